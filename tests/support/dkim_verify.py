"""Says whether dkimpy accepts a message's DKIM signature.

Reads {"message": BASE64, "txt": {NAME: TEXT}} from its input; prints {"pass": BOOL, "reason": TEXT}. Keys come from
`txt` alone: nothing is looked up.
"""

import base64
import json
import sys

import dkim

asked = json.load(sys.stdin)
records = {name.rstrip(".").lower(): text.encode() for name, text in asked["txt"].items()}


def from_records(name, timeout=5):
    return records.get(name.decode().rstrip(".").lower())


try:
    passed = dkim.DKIM(base64.b64decode(asked["message"])).verify(dnsfunc=from_records)
    print(json.dumps({"pass": passed, "reason": "" if passed else "the signature does not fit the message"}))
except dkim.DKIMException as error:
    print(json.dumps({"pass": False, "reason": str(error)}))
