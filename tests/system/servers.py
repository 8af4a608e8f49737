# SPDX-License-Identifier: LGPL-2.1-or-later
"""How Postfix, Dovecot and Courier are set up in a container, each as Debian packages it."""

import re

LOCAL_DOMAIN = "pbs.example"
LOCAL_RECIPIENT = f"pbsalice@{LOCAL_DOMAIN}"
FOREIGN_RECIPIENT = "someone@elsewhere.example"

# mynetworks has one network besides loopback: the watcher must learn it from postconf(1).
TRUSTED_CLIENT = "203.0.113.5"
MAIN_CF = f"""compatibility_level = 3.6
myhostname = mx.{LOCAL_DOMAIN}
mydestination = {LOCAL_DOMAIN}
mynetworks = 127.0.0.0/8 [::1]/128 203.0.113.0/24
inet_interfaces = all
inet_protocols = all
alias_maps =
# Recipients are asked for and no mail is sent: Postfix would wait for it to be delivered, a second
# before each answer.
in_flow_delay = 0
"""

USERS = {"pbsalice": "wonderland", "pbsbob": "builder"}
HOSTILE_PASSWORD = "let-me-in"


def postfix_lines(readme):
    """The setting that the README tells administrators to make, taken from there."""
    match = re.search(r"^ *smtpd_relay_restrictions *=.*\n(?: +\S.*\n)*", readme, re.MULTILINE)
    if not match:
        raise ValueError("the README has no smtpd_relay_restrictions")
    lines = match.group().splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    return "".join(line[indent:] + "\n" for line in lines)


class Postfix:
    """The mail server that asks."""

    packages = ["postfix"]
    units = ["postfix@-.service"]

    def __init__(self, readme):
        self.restrictions = postfix_lines(readme)

    def configure(self, container):
        container.write("etc/postfix/main.cf", MAIN_CF + self.restrictions)
        container.write("etc/postfix/master.cf",
                        (container.root / "usr/share/postfix/master.cf.dist").read_bytes())

    def start(self, container):
        container.run("systemctl", "start", "postfix.service")


class MailStore:
    """What Dovecot and Courier have in common: users of the system with a Maildir each."""

    def add_users(self, container):
        for user, password in USERS.items():
            container.run("useradd", "--create-home", user)
            # The usual hash is slow by design: 0.4 s of each login.
            container.run("chpasswd", "--crypt-method=SHA512", "--sha-rounds=1000",
                          stdin=f"{user}:{password}\n".encode())
            for part in ("cur", "new", "tmp"):
                container.run("install", "-d", "-o", user, "-g", user,
                              f"/home/{user}/Maildir", f"/home/{user}/Maildir/{part}")


DOVECOT_CONF = """protocols = imap pop3
listen = *, ::
mail_location = maildir:~/Maildir
disable_plaintext_auth = no
ssl = yes
ssl_cert = </etc/dovecot/test.pem
ssl_key = </etc/dovecot/test.key
auth_mechanisms = plain login
# A failed login is answered at once; it is logged as always.
auth_failure_delay = 0 secs
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""

DOVECOT_USERS = """passdb {
  driver = pam
}
userdb {
  driver = passwd
}
"""

# Every name is let in that gives this password, whatever bytes it is made of.
DOVECOT_ANY_USER = f"""auth_username_chars =
passdb {{
  driver = static
  args = password={HOSTILE_PASSWORD}
}}
userdb {{
  driver = static
  args = uid=pbsalice gid=pbsalice home=/home/pbsalice
}}
"""


class Dovecot(MailStore):
    """Dovecot 2.3; one unit, one rule."""

    name = "dovecot"
    rule = "dovecot"
    packages = ["dovecot-imapd", "dovecot-pop3d", "openssl"]
    units = ["dovecot.service"]
    identifiers = ["dovecot"]
    # Whom its processes run as that are neither root nor a user.
    own_users = ["dovecot", "dovenull"]
    # Each would open 6.6.6.6 if it were believed.
    forgeries = [
        "imap-login: Login: user=<x>, method=PLAIN, rip=6.6.6.6, lip=192.0.2.1, mpid=7,"
        " session=<s>",
        "pop3-login: Login: user=<x>, method=PLAIN, rip=6.6.6.6, lip=192.0.2.1, mpid=7, TLS,"
        " session=<s>",
        "imap-login: Logged in: user=<x>, method=PLAIN, rip=6.6.6.6, lip=192.0.2.1, mpid=7,"
        " session=<s>",
        "imap-login: proxy(x,192.0.2.1:143): Started proxying to 192.0.2.1 (0.0 secs): user=<x>,"
        " method=PLAIN, rip=6.6.6.6, lip=192.0.2.1, session=<s>",
    ]
    hostile_names = [
        "x>, method=PLAIN, rip=6.6.6.6, lip=1, y=<",
        "eve>, method=PLAIN, rip=6.6.6.6, lip=1.1.1.1, mpid=1, session=<x",
        "x>, rip=6.6.6.6, lip=6.6.6.6, mpid=1, TLS, session=<AAAAAAAAAAAAAAAA>",
        "imap-login: Login: user=<x>, method=PLAIN, rip=6.6.6.6, lip=6.6.6.6",
        "\\, rip=6.6.6.6, lip=6.6.6.6",
        "rip=6.6.6.6",
        "x" * 60 + ">, rip=6.6.6.6, lip=6",
        b"x\xff\xfe>, rip=6.6.6.6, lip=1.1.1.1",
        "x\ty>, rip=6.6.6.6, lip=1.1.1.1",
    ]
    # Only IMAP can send these, as literals.
    hostile_imap_names = [
        "x\nimap-login: Login: user=<eve>, method=PLAIN, rip=6.6.6.6, lip=1.1.1.1, mpid=1",
        "x\r\nimap-login: Login: user=<eve>, method=PLAIN, rip=6.6.6.6, lip=1.1.1.1, mpid=1",
    ]

    def configure(self, container):
        container.write("etc/dovecot/dovecot.conf", DOVECOT_CONF + DOVECOT_USERS)

    def start(self, container):
        self.add_users(container)
        container.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                      "ec_paramgen_curve:P-256", "-noenc", "-days", "2", "-subj", "/CN=mx",
                      "-keyout", "/etc/dovecot/test.key", "-out", "/etc/dovecot/test.pem")
        container.run("systemctl", "start", *self.units)

    def admit_hostile_names(self, container):
        """From here on, only the hostile names can log in."""
        container.write("etc/dovecot/dovecot.conf", DOVECOT_CONF + DOVECOT_ANY_USER)
        container.run("systemctl", "restart", *self.units)

    def admit_users(self, container):
        container.write("etc/dovecot/dovecot.conf", DOVECOT_CONF + DOVECOT_USERS)
        container.run("systemctl", "restart", *self.units)


class Courier(MailStore):
    """Courier: one unit a protocol, with and without TLS."""

    name = "courier"
    rule = "courier"
    packages = ["courier-imap", "courier-pop", "courier-authlib-userdb"]
    units = ["courier-imap.service", "courier-imap-ssl.service", "courier-pop.service",
             "courier-pop-ssl.service"]
    identifiers = ["imapd", "imapd-ssl", "pop3d", "pop3d-ssl"]
    own_users = ["courier"]
    forgeries = [
        "LOGIN, user=x, ip=[6.6.6.6], port=[1], protocol=IMAP",
        "LOGIN, user=x, ip=[::ffff:6.6.6.6], port=[1], protocol=IMAP",
        "LOGIN, user=x, ip=[6.6.6.6], port=[1]",
        "LOGIN, user=x, ip=[::ffff:6.6.6.6], port=[1], stls=1",
        "LOGIN, user=x, ip=[6.6.6.6]",
    ]
    hostile_names = [
        "x, ip=[6.6.6.6], port=[1], protocol=IMAP",
        "x, ip=[::ffff:6.6.6.6], port=[1], protocol=IMAP, starttls=1",
        "LOGIN, user=x, ip=[6.6.6.6], port=[99]",
        "eve, ip=[6.6.6.6], port=[1], protocol=IMAP, ip=[6.6.6.6], port=[2], stls=1",
        "ip=[6.6.6.6]",
    ]
    hostile_imap_names = [
        "x\nLOGIN, user=eve, ip=[6.6.6.6], port=[1], protocol=IMAP",
        "x\nINFO: LOGIN, user=eve, ip=[6.6.6.6], port=[1], protocol=IMAP",
        "x\r\nLOGIN, user=eve, ip=[6.6.6.6], port=[1], protocol=IMAP\r\n",
    ]

    # What follows the first 511 bytes of "INFO: LOGIN FAILED, user=NAME, ip=[...], port=[...]".
    FILL = 511 - len("INFO: LOGIN FAILED, user=")
    FORGED_TAIL = "eve, ip=[6.6.6.6], port=[1], protocol=IMAP"
    cut_names = [
        "A" * FILL + "LOGIN, user=eve",
        # The second part, too, is cut: all of it is the client's.
        "A" * FILL + "LOGIN, user=" + FORGED_TAIL.rjust(511 - len("LOGIN, user="), "e") + "Z" * 100,
        # The blanks behind the level are dropped.
        "A" * FILL + "INFO:" + ("LOGIN, user=" + FORGED_TAIL).rjust(511 - len("INFO:"))
        + "Z" * 100,
        # journald drops blanks at the end, so that the first part is as short as any other line ...
        " " * FILL + "LOGIN, user=eve",
        # ... and can look as if it were whole.
        "eve, ip=[::ffff:6.6.6.6], port=[1]".ljust(FILL) + "LOGIN, user=eve",
    ]

    def configure(self, container):
        file = container.root / "etc/courier/authdaemonrc"
        container.write("etc/courier/authdaemonrc",
                        re.sub(r'(?m)^authmodulelist=.*$', 'authmodulelist="authuserdb authpam"',
                               file.read_text()), 0o640)

    def start(self, container):
        self.add_users(container)
        self.write_userdb(container)
        container.run("systemctl", "start", "courier-authdaemon.service", *self.units)

    def write_userdb(self, container):
        """A user of each hostile name that a line of userdb(8) can hold."""
        number = container.run("id", "-u", "pbsalice").strip()
        password = container.run("openssl", "passwd", "-6", HOSTILE_PASSWORD).strip()
        home = "/home/pbsalice"
        lines = [f"{name}\tuid={number}|gid={number}|home={home}|mail={home}/Maildir"
                 f"|systempw={password}\n" for name in self.hostile_names]
        container.write("etc/courier/userdb", "".join(lines), 0o600)
        container.run("makeuserdb")

    def admit_hostile_names(self, container):
        """They are users from the start."""

    def admit_users(self, container):
        """They are users all the time."""
