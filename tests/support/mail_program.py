"""Hands in one message as a mail program does: asked in JSON (argv), the message on standard input, told in JSON.

The code is that of the last reply, or of the first that was no; 0 where there was none.
"""

import json
import smtplib
import ssl
import sys


class Refused(Exception):
    pass


def expect(reply, first):
    if not str(reply[0]).startswith(first):
        raise Refused(reply)
    return reply


def hand_in(asked, message):
    client = smtplib.SMTP(asked["host"], asked["port"], local_hostname="mail.program.test", timeout=20)
    expect(client.ehlo(), "2")
    if asked["tls"]:
        context = ssl.create_default_context(cafile=asked["authority"])
        client._host = "localhost"
        expect(client.starttls(context=context), "2")
        expect(client.ehlo(), "2")
    last = (0, b"")
    if asked["login"]:
        client.user, client.password = asked["login"]
        mechanism = asked["mechanism"]
        way = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login}[mechanism]
        last = client.auth(mechanism, way)
    if asked["to"]:
        expect(client.mail(asked["from"]), "2")
        for recipient in asked["to"]:
            expect(client.rcpt(recipient), "2")
        last = expect(client.data(message), "2")
    client.close()
    return last


def told():
    try:
        return hand_in(json.loads(sys.argv[1]), sys.stdin.buffer.read())
    except Refused as refused:
        return refused.args[0]
    except smtplib.SMTPResponseException as refused:
        return refused.smtp_code, refused.smtp_error
    except (smtplib.SMTPException, OSError) as error:
        return 0, str(error).encode()


code, text = told()
print(json.dumps({"code": code, "text": text.decode("utf-8", "replace")}))
