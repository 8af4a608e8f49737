/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From the recorded journals where there are some, and else from the lines that
 * tests/unit/test-server-rules.c has, with their sources. Of what a server logs besides, there is
 * what holds something that a client chose. */

#include "shapes.h"

#define TAIL " method=PLAIN, rip={A}, lip=127.0.0.1"

/* A newline in the name that a proxy logs would end the entry wherever somebody likes: names can
 * have one where auth_username_chars is empty, and with that setting entries can be forged anyhow.
 */
static const struct shape dovecot[] = {
    /* 2.0; 2.2 to 2.3; 2.4; 2.3 with the cipher; to standard error */
    { SHAPE_LOGIN, "imap-login: Login: user=<{U}>," TAIL ", mpid={N}, TLS" },
    { SHAPE_LOGIN, "pop3-login: Login: user=<{U}>," TAIL ", mpid={N}, secured, session=<{S}>" },
    { SHAPE_LOGIN, "imap-login: Logged in: user=<{U}>," TAIL ", mpid={N}, TLS, session=<{S}>" },
    { SHAPE_LOGIN, "imap-login: Login: user=<{U}>," TAIL ", mpid={N}, TLS, TLSv1.2 with cipher "
                   "ECDHE-RSA-AES128-GCM-SHA256 (128/128 bits), session=<{S}>" },
    { SHAPE_LOGIN, "Aug 30 00:11:05 imap-login: Info: Login: user=<{U}>," TAIL ", session=<{S}>" },
    /* as a proxy: 2.3; 2.2 */
    { SHAPE_LOGIN, "imap-login: proxy({O},10.0.0.2:143): Started proxying to <10.0.0.2> (0.01 "
                   "secs): user=<{U}>," TAIL ", TLS, session=<{S}>" },
    { SHAPE_LOGIN, "pop3-login: proxy({O}): started proxying to 10.0.0.2:110: user=<{U}>," TAIL
                   ", session=<{S}>" },
    { SHAPE_OTHER, "imap-login: Disconnected: Aborted login by logging out (auth failed, 1 "
                   "attempts in 2 secs): user=<{U}>," TAIL ", session=<{S}>" },
    { SHAPE_OTHER, "imap-login: Disconnected (auth failed, 1 attempts in 9 secs): user=<{U}>," TAIL
                   ", TLS: Disconnected" },
    { SHAPE_OTHER,
      "pop3-login: Aborted login (auth failed, 1 attempts): user=<{U}>," TAIL ", secured" },
    { SHAPE_OTHER, "imap-login: Login aborted: Logged out (auth failed, 1 attempts in 10 secs) "
                   "(auth_failed): user=<{U}>," TAIL ", session=<{S}>" },
    { SHAPE_OTHER, "imap-login: Login aborted: Connection closed (auth failed) (auth_failed): "
                   "user=<{U}>, method={K}, rip={A}, lip=127.0.0.1, session=<{S}>" },
    { SHAPE_OTHER, "pop3-login: Disconnected: Inactivity (no auth attempts in 180 secs): user=<>, "
                   "rip={A}, lip=127.0.0.1, session=<{S}>" },
    { SHAPE_OTHER, "imap-login: Disconnected: Aborted login by logging out (proxy dest auth "
                   "failed): user=<{U}>," TAIL ", session=<{S}>" },
    { SHAPE_OTHER, "imap-login: proxy({O},10.0.0.2:143): Login failed: Authentication failed.: "
                   "user=<{U}>," TAIL ", session=<{S}>" },
    { SHAPE_OTHER, "imap-login: proxy({O}): Login failed to 10.0.0.2:143: Authentication failed.: "
                   "user=<{U}>," TAIL ", session=<{S}>" },
    { SHAPE_OTHER, "imap-login: Error: proxy({O},10.0.0.2:143): Remote server disconnected: "
                   "user=<{U}>," TAIL ", session=<{S}>" },
    { SHAPE_OTHER, "auth: static({R},{A},<{S}>): Password mismatch" },
    { SHAPE_OTHER, "auth: Master user logging in as {R}" },
    { SHAPE_OTHER, "imap({R})<{N}><{S}>: Error: Mailbox {W}: Timeout while waiting for lock" },
    { SHAPE_LOGOUT, "imap({R})<{N}><{S}>: Disconnected: Logged out in={N} out={N} deleted=0" },
    { SHAPE_LOGOUT,
      "pop3({R})<{N}><{S}>: Disconnected: Inactivity - no input for 600 secs top=0/0" },
    { SHAPE_LOGOUT, "imap({R})<{N}><{S}>: Disconnected: Connection closed (SELECT finished 1.2 "
                    "secs ago) in={N} out={N}" },
    { SHAPE_LOGOUT, "imap({R})<{N}><{S}>: Fatal: master: service(imap): child {N} killed with "
                    "signal 9" },
    { SHAPE_LOGOUT, "imap({R}): Logged out in={N} out={N}" },
    { SHAPE_LOGOUT, "imap-login: proxy({O},10.0.0.2:143): Disconnected by client (0s idle, in=8, "
                    "out=8): user=<{U}>," TAIL ", session=<{S}>" },
    { SHAPE_LOGOUT, "imap-login: proxy({O}): disconnecting {A} (Disconnected by client: Logged "
                    "out): user=<{U}>," TAIL ", session=<{S}>" },
    { SHAPE_OTHER, NULL },
};

static const struct shape old_dovecot[] = {
    { SHAPE_LOGIN, "imap-login: Login: {U} [{A}]" },
    { SHAPE_LOGIN, "pop3-login: Mar 16 04:19:32 Info: Login: {U} [{M}]" },
    { SHAPE_OTHER, "imap-login: Aborted login: {U} [{A}]" },
    { SHAPE_OTHER, "imap-login: Disconnected: {U} [{A}]" },
    { SHAPE_OTHER, NULL },
};

static const struct shape courier[] = {
    { SHAPE_LOGIN, "LOGIN, user={U}, ip=[{M}], port=[{P}], protocol=IMAP" },
    { SHAPE_LOGIN, "LOGIN, user={U}, ip=[{M}], port=[{P}], protocol=IMAP, starttls=1" },
    { SHAPE_LOGIN, "LOGIN, user={U}, ip=[{M}], port=[{P}]" },
    { SHAPE_LOGIN, "LOGIN, user={U}, ip=[{M}], port=[{P}], stls=1" },
    { SHAPE_LOGIN, "LOGIN, user={U}, ip=[{M}]" },
    { SHAPE_OTHER, "LOGIN FAILED, user={U}, ip=[{M}], port=[{P}]" },
    { SHAPE_OTHER, "LOGIN FAILED, user={U}, ip=[{M}]" },
    { SHAPE_OTHER, "LOGIN FAILED, method={K}, ip=[{M}], port=[{P}]" },
    { SHAPE_OTHER, "ID, user={U}, ip=[{M}], {W}" },
    { SHAPE_OTHER, "LOGOUT, ip=[{M}], port=[{P}], rcvd={N}, sent={N}" },
    { SHAPE_OTHER, "Disconnected, ip=[{M}], port=[{P}]" },
    { SHAPE_OTHER, "Connection, ip=[{M}], port=[{P}]" },
    { SHAPE_LOGOUT, "LOGOUT, user={U}, ip=[{M}], port=[{P}], headers=0, body=0, rcvd={N}, "
                    "sent={N}, time={N}, starttls=1" },
    { SHAPE_LOGOUT, "LOGOUT, user={U}, ip=[{M}], port=[{P}], top=0, retr=0, rcvd={N}, sent={N}, "
                    "time={N}" },
    { SHAPE_LOGOUT, "DISCONNECTED, user={U}, ip=[{M}], port=[{P}], headers=0, body=0, rcvd={N}" },
    { SHAPE_LOGOUT, "TIMEOUT, user={U}, ip=[{M}], top=0, retr=0" },
    { SHAPE_OTHER, NULL },
};

static const struct shape cyrus[] = {
    { SHAPE_LOGIN, "login: [{A}] {U} plaintext User logged in SESSIONID=<{S}>" },
    { SHAPE_LOGIN, "login: {H} [{A}] {U} plaintext+TLS User logged in SESSIONID=<{S}>" },
    { SHAPE_LOGIN, "login: {H}[{A}] {U} CRAM-MD5 User logged in" },
    { SHAPE_LOGIN, "login: {H} [{A}] {U} plaintext" },
    { SHAPE_OTHER, "badlogin: [{A}] plaintext ({U}) invalid user" },
    { SHAPE_OTHER, "badlogin: {H} [{A}] plaintext ({U}) [SASL(-13): user not found: checkpass "
                   "failed]" },
    { SHAPE_OTHER, "badlogin: {H} [{A}] plaintext {U} SASL(-13): authentication failure: "
                   "checkpass failed" },
    { SHAPE_OTHER, "badlogin: {H}[{A}] {K} [SASL(-13): authentication failure]" },
    { SHAPE_OTHER, "SASL cross-realm login {U} denied" },
    { SHAPE_OTHER, "autocreateinbox: User {U}, INBOX failed. Invalid mailbox name" },
    { SHAPE_OTHER, "Unable to open maildrop user.{U}: Invalid mailbox name" },
    { SHAPE_OTHER, "imaps TLS negotiation failed: {H} [{A}]" },
    { SHAPE_LOGOUT, "user.{U}: Logins must be at least 1 minute apart" },
    { SHAPE_LOGOUT, "USAGE {U} user: 0.012345 sys: 0.003844" },
    { SHAPE_OTHER, NULL },
};

#define PAM "pam_unix(pop3:auth): authentication failure; logname= uid=0 euid=0 tty= ruser= rhost="
#define TCPD                                                                                       \
    { SHAPE_CONNECT, "connect from {A} ({A})" }, { SHAPE_CONNECT, "connect from {H} ({A})" },      \
    {                                                                                              \
        SHAPE_CONNECT, "connect from {I}@{H} ({A})"                                                \
    }

#define POPA3D                                                                                     \
    { SHAPE_LOGIN, "Authentication passed for {U}" },                                              \
        { SHAPE_OTHER, "Authentication failed for {U}" },                                          \
        { SHAPE_OTHER, "Authentication failed for UNKNOWN USER" },                                 \
        { SHAPE_OTHER, "refused connect from {I}@{H} ({A})" }, { SHAPE_OTHER, PAM "  user={U}" },  \
        { SHAPE_OTHER, "pam_unix(popa3d:auth): bad username [{U}]" },                              \
        { SHAPE_LOGOUT, "{N} ({N}) deleted, {N} ({N}) left" },                                     \
        { SHAPE_LOGOUT, "Premature disconnect" },                                                  \
    {                                                                                              \
        SHAPE_OTHER, NULL                                                                          \
    }

static const struct shape popa3d_alone[] = { { SHAPE_CONNECT, "Session from {A}" }, POPA3D };
static const struct shape popa3d_tcpd[] = { TCPD, POPA3D };
static const struct shape popa3d_socket[] = { POPA3D };

static const struct shape solid[] = {
    { SHAPE_LOGIN, "user {U} authenticated - {A}" },
    { SHAPE_LOGIN, "user {U} authenticated - {H} ({A})" },
    { SHAPE_LOGIN, "mapped user {U} authenticated - {A}" },
    { SHAPE_LOGIN, "user {U} authenticated through APOP - {H} ({A})" },
    { SHAPE_OTHER, "authentication failed: no such user: {U} - {A}" },
    { SHAPE_OTHER, "authentication failed for user {U} - {H} ({A})" },
    { SHAPE_OTHER, "APOP authentication failed for user {U} - {A}" },
    { SHAPE_OTHER, "Stats: {U} 0 0 0 0" },
    { SHAPE_OTHER, "can't open or create file: /home/{U}/.spop3d-bull" },
    { SHAPE_OTHER, PAM "  user={R}" },
    { SHAPE_LOGOUT, "session ended for user {U} - {A}" },
    { SHAPE_LOGOUT, "autologout time elapsed for user {U} - {H} ({A})" },
    { SHAPE_LOGOUT, "session ended for mapped user {U} - {A}" },
    { SHAPE_OTHER, NULL },
};

static const struct shape solid_two_line[] = {
    { SHAPE_CONNECT, "connect from {A}" },
    TCPD,
    { SHAPE_LOGIN, "user {U} authenticated" },
    { SHAPE_LOGIN, "mapped user {U} authenticated through APOP" },
    { SHAPE_OTHER, "authentication failed: no such user: {U}" },
    { SHAPE_OTHER, "authentication failed for user {U}" },
    { SHAPE_OTHER, "Stats: {U} 0 0 0 0" },
    { SHAPE_OTHER, "can't open or create file: /home/{U}/.spop3d-bull" },
    { SHAPE_LOGOUT, "session ended for user {U}" },
    { SHAPE_OTHER, NULL },
};

static const struct shape mailutils[] = {
    { SHAPE_LOGIN, "user `{U}' logged in (source: system)" },
    { SHAPE_LOGIN, "user `{U}' logged in with mailbox `/var/mail/x' (10 messages)" },
    { SHAPE_OTHER, "user `{U}' nonexistent" },
    { SHAPE_OTHER, "user `{U}': authentication failed" },
    { SHAPE_OTHER, "POP3 login: user `{U}', source system" },
    { SHAPE_OTHER, "login failed: {U}" },
    { SHAPE_OTHER, "possible probe of account `{U}'" },
    { SHAPE_OTHER, "C: USER {U}" },
    { SHAPE_OTHER, PAM "  user={U}" },
    { SHAPE_LOGOUT, "session ended for user: {U}" },
    { SHAPE_LOGOUT, "session timed out for user: {U}" },
    { SHAPE_OTHER, NULL },
};

static const struct shape uw[] = {
    { SHAPE_LOGIN, "Login user={U} host={C} nmsgs={N}/{N}" },
    { SHAPE_LOGIN, "Login user={U} host={C}" },
    { SHAPE_LOGIN, "Authenticated user={U} host={C} mech=PLAIN" },
    { SHAPE_LOGIN, "Auth user={U} host={C} nmsgs=0/0" },
    { SHAPE_LOGIN, "APOP user={U} host={C} no mailbox" },
    { SHAPE_LOGIN, "[ID 210418 mail.info] Login user={U} host={C} nmsgs=5/5" },
    { SHAPE_OTHER, "Login failed user={B} auth={B} host={C}" },
    { SHAPE_OTHER, "Login SYSTEM BREAK-IN ATTEMPT user={B} auth={B} host={C}" },
    { SHAPE_OTHER, "Login failure user={U} host={C}" },
    { SHAPE_OTHER, "Login excessive login failures user={B} auth={B} host={C}" },
    { SHAPE_OTHER, "Login disabled user={B} auth={B} host={C}" },
    { SHAPE_OTHER, "Login anonymous={U} host={C}" },
    { SHAPE_OTHER, "Failed {U} override of user={W} host={C}" },
    { SHAPE_OTHER, "AUTHENTICATE {K} failure host={C}" },
    { SHAPE_OTHER, "IMAP login to host={W} user={U} host={C}" },
    { SHAPE_OTHER, "Can't open mailbox {{{W}/user={U}: invalid remote specification" },
    { SHAPE_OTHER, "Error opening or locking INBOX user={U} host={C}" },
    { SHAPE_OTHER, "No such host as {W}" },
    { SHAPE_OTHER, "Update user={U} host={C} nmsgs=0 ndele=0 nseen=0" },
    { SHAPE_LOGOUT, "Logout user={U} host={C}" },
    { SHAPE_LOGOUT, "Autologout user={U} host={C}" },
    { SHAPE_LOGOUT, "Connection reset by peer, while reading line user={U} host={C}" },
    { SHAPE_OTHER, NULL },
};

/* What a stranger's server says, word for word. */
static const struct shape uw_elsewhere[] = { { SHAPE_OTHER, "{W}" }, { SHAPE_OTHER, NULL } };

#define WHERE " server=\"10.0.0.2:143\" protocol=IMAP4 server-secure=plaintext status=\""
#define FROM  "{M}:{P}->::ffff:127.0.0.1:143"

static const struct shape perdition[] = {
    { SHAPE_LOGIN, "Auth: " FROM " client-secure=plaintext authorisation_id=NONE "
                   "authentication_id=\"{U}\"" WHERE "ok\"" },
    { SHAPE_LOGIN, "Auth: {A}:{P}->192.0.2.1:993 client-secure=ssl authorisation_id=\"{W}\" "
                   "authentication_id=\"{U}\"" WHERE "ok\"" },
    { SHAPE_LOGIN, "Auth: {A}->192.0.2.1 user=\"{U}\" server=\"10.0.0.2\" port=\"110\" "
                   "status=\"ok\"" },
    { SHAPE_OTHER, "Auth: " FROM " client-secure=plaintext authorisation_id=NONE "
                   "authentication_id=\"{U}\"" WHERE "failed: Re-Authentication Failure\"" },
    { SHAPE_OTHER, "Auth: {A}:{P}->192.0.2.1:993 client-secure=ssl authorisation_id=\"{W}\" "
                   "authentication_id=\"{U}\"" WHERE "failed: Re-Authentication Failure\"" },
    { SHAPE_OTHER, "Auth: {A}->192.0.2.1 user=\"{U}\" server=\"10.0.0.2\" port=\"110\" "
                   "status=\"failed: Re-Authentication Failure\"" },
    { SHAPE_OTHER, "Connect:  " FROM },
    { SHAPE_OTHER, "Fail reauthentication for user {U}" },
    { SHAPE_OTHER, "Closing NULL session: " FROM " authorisation_id=NONE "
                   "authentication_id=\"(null)\"" },
    { SHAPE_LOGOUT, "Closing session: " FROM " authorisation_id=NONE authentication_id=\"{U}\" "
                    "received={N} sent={N}" },
    { SHAPE_LOGOUT, "Close: {A}->192.0.2.1 user=\"{U}\" received={N} sent={N}" },
    { SHAPE_OTHER, NULL },
};

static const struct shape qpopper[] = {
    { SHAPE_LOGIN, "(v4.0.9) POP login by user \"{U}\" at ({H}) {A}" },
    { SHAPE_LOGIN, "(v4.0.9) POP login by user \"{U}\" at ({H}) {A} [pop_log.c:244]" },
    { SHAPE_LOGIN, "(v4.0.5) POP login by user {U} at ({H}) {A}" },
    { SHAPE_LOGIN, "Stats: {U} 0 0 12 3456 {H} {A}" },
    { SHAPE_LOGIN, "Stats: {U} 0 0 12 3456 {A} [pop_updt.c:296]" },
    { SHAPE_OTHER, "{U} at {H} ({A}): -ERR [AUTH] Password supplied for \"{U}\" is incorrect." },
    { SHAPE_OTHER, "{U} at {H} ({A}): -ERR Unknown command: \"{W}\". [popper.c:828]" },
    { SHAPE_OTHER, "[AUTH] Failed attempted login to {U} from host ({H}) {A} [pop_pass.c:1]" },
    { SHAPE_OTHER, "(v4.0.9) Servicing request from \"{H}\" at {A} [pop_init.c:1408]" },
    { SHAPE_OTHER, NULL },
};

#define SUCCESS "login success "

static const struct shape vpopmail[] = {
    { SHAPE_LOGIN, "vchkpw-pop3: (PLAIN) " SUCCESS "{U}:{A}" },
    { SHAPE_LOGIN, "vchkpw-imaps: (CRAM-MD5) " SUCCESS "{U}:{M}" },
    { SHAPE_LOGIN, "vchkpw-pop3: system password " SUCCESS "{U}:{A}" },
    { SHAPE_LOGIN, "vchkpw: " SUCCESS "{U}:{A}" },
    { SHAPE_LOGIN, "vchkpw: login [{U}] from {A}" },
    { SHAPE_OTHER, "vchkpw-pop3: password fail {R}:{A}" },
    { SHAPE_OTHER, "vchkpw-pop3: password fail (pass: '{W}') {R}:{A}" },
    { SHAPE_OTHER, "vchkpw-pop3: vpopmail user not found {R}:{A}" },
    { SHAPE_OTHER, "vchkpw-pop3: null password given {R}:{A}" },
    { SHAPE_OTHER, "vchkpw-pop3: invalid user/domain characters {R}:{A}" },
    { SHAPE_OTHER, "vchkpw-smtp: (PLAIN) " SUCCESS "{R}:{A}" },
    { SHAPE_OTHER, "vchkpw-webmail: (PLAIN) " SUCCESS "{R}:{A}" },
    { SHAPE_OTHER, NULL },
};

static const struct shape cucipop[] = {
    { SHAPE_LOGIN, "{U} {A} {N}, {N} ({N}), {N} ({N})" },
    { SHAPE_OTHER, "authentication failure {U} {A}" },
    { SHAPE_OTHER, "authentication failure {U} {A} {N}, {N} ({N}), {N} ({N})" },
    { SHAPE_OTHER, "lost {U} {A} {N}, {N} ({N}), {N} ({N})" },
    { SHAPE_OTHER, NULL },
};

#define VM_FAILURES                                                                                \
    { SHAPE_OTHER, "pop3 user: {U}" }, { SHAPE_OTHER, "Non-existent user: '{U}'" },                \
        { SHAPE_OTHER, "User '{U}': authentication failed" },                                      \
        { SHAPE_OTHER, "bytes: domain {W} 491 bytes" },                                            \
        { SHAPE_LOGOUT, "Session ended for user: '{U}'" },                                         \
    {                                                                                              \
        SHAPE_OTHER, NULL                                                                          \
    }

static const struct shape vm_pop3d[] = {
    { SHAPE_LOGIN, "User '{U}' logged in from {A}, nmsgs={N}" },
    { SHAPE_LOGIN, "User {U} logged in from {A}" },
    VM_FAILURES,
};

static const struct shape vm_pop3d_two_line[] = {
    { SHAPE_CONNECT, "Connect from {A}" },
    { SHAPE_LOGIN, "User '{U}' logged in" },
    { SHAPE_LOGIN, "User '{U}' of 'b.example' logged in" },
    { SHAPE_LOGIN, "User {U} logged in" },
    VM_FAILURES,
};

static const struct shape teapop[] = {
    { SHAPE_LOGIN, "Successful login for {U} [192.0.2.1] from {H} [{A}]" },
    { SHAPE_LOGIN, "Successful login for {U} [192.0.2.1] from  [{A}]" },
    { SHAPE_OTHER, "Failed login for {U} [192.0.2.1] from {H} [{A}]" },
    { SHAPE_OTHER, "Three failed login attempts from {H} [{A}] - Possible account probe" },
    { SHAPE_OTHER, NULL },
};

static const struct shape gnu_pop3d[] = {
    { SHAPE_LOGIN, "User `{U}' logged in with mailbox `/var/mail/{U}' from {A}" },
    { SHAPE_LOGIN, "User {U} logged in with mailbox /var/mail/{U} from {A}" },
    { SHAPE_OTHER, "User '{U}' nonexistent" },
    { SHAPE_OTHER, "User `{U}': authentication failed" },
    { SHAPE_OTHER, "Possible probe of account '{U}'" },
    { SHAPE_LOGOUT, "Session ended for user: {U}" },
    { SHAPE_OTHER, NULL },
};

const struct server servers[] = {
    { "dovecot",
      "dovecot.service",
      "dovecot",
      "0",
      "6",
      dovecot,
      true,
      { .max = 80, .cut_mark = "...", .control = '?', .next_line = "imap: Error: " } },
    { "dovecot-old", "dovecot.service", "dovecot", "0", "6", old_dovecot, true },
    { "courier",
      "courier-imap.service",
      "imapd",
      "0",
      "6",
      courier,
      true,
      { .control = '.', .line_min = 503, .line_max = 511 } },
    { "cyrus", "cyrus-imapd.service", "cyrus/imap", "106", "5", cyrus, true },
    { "popa3d", "popa3d.service", "popa3d", "1001", "6", popa3d_alone },
    { "popa3d", "inetd.service", "popa3d", "1001", "6", popa3d_tcpd, true },
    { "popa3d", "popa3d@3-127.0.0.1:110-{A}:{P}.service", "popa3d", "1001", "6", popa3d_socket,
      true },
    { "solid-pop3d", "inetd.service", "solid-pop3d", "1001", "5", solid, true, { .max = 40 } },
    { "solid-pop3d",
      "inetd.service",
      "solid-pop3d",
      "1001",
      "5",
      solid_two_line,
      true,
      { .max = 40 } },
    { "mailutils", "mailutils-pop3d@3-127.0.0.1:110-{A}:{P}.service", "pop3d", "1001", "6",
      mailutils, true },
    { "uw-imap", "inetd.service", "imapd", "1001", "6", uw, true, { .max = 80, .other_max = 64 } },
    { "uw-imap", "inetd.service", "ipop3d", "1001", "5", uw_elsewhere, true },
    /* longer lines than these were not seen whole */
    { "perdition",
      "perdition.service",
      "perdition.imap4",
      "65534",
      "5",
      perdition,
      true,
      { .line_min = 463, .line_max = 1100 } },
    { "qpopper",
      "inetd.service",
      "in.qpopper",
      "0",
      "5",
      qpopper,
      true,
      { .line_min = 512, .line_max = 1100 } },
    /* it checks names, and a colon cannot be in one of /etc/passwd */
    { "vpopmail",
      "svscan.service",
      "vpopmail",
      "0",
      "5",
      vpopmail,
      true,
      { .refuses = ": \t\r\n\v\f" } },
    { "cucipop", "inetd.service", "cucipop", "0", "5", cucipop },
    { "vm-pop3d", "vm-pop3d.service", "vm-pop3d", "0", "6", vm_pop3d },
    { "vm-pop3d", "vm-pop3d.service", "vm-pop3d", "0", "6", vm_pop3d_two_line },
    { "teapop", "teapop.service", "teapop", "0", "6", teapop, true },
    { "gnu-pop3d", "inetd.service", "gnu-pop3d", "0", "6", gnu_pop3d },
    { NULL },
};
