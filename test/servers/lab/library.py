"""A plain SMTP server on a library (aiosmtpd): keeps each message as a file that the disk has before it says so.

library.py HOST PORT DIRECTORY
"""
import os
import signal
import sys

from aiosmtpd.controller import Controller

host, port, directory = sys.argv[1], int(sys.argv[2]), sys.argv[3]


class Keeper:
    taken = 0

    async def handle_DATA(self, server, session, envelope):
        Keeper.taken += 1
        name = f"{os.getpid()}-{Keeper.taken}"
        with open(os.path.join(directory, f".{name}"), "wb") as file:
            head = f"{envelope.mail_from} {' '.join(envelope.rcpt_tos)} {' '.join(envelope.mail_options)}\n"
            file.write(head.encode("utf-8") + envelope.content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(os.path.join(directory, f".{name}"), os.path.join(directory, name))
        return f"250 taken as {name}"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 ok"


Controller(Keeper(), hostname=host, port=port, enable_SMTPUTF8=True).start()
signal.pause()
