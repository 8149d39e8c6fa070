"""What the fuzzer has to know of this API: how calls are signed, what exists, and that a code of 500 is a defect.

Reads what tests/admin/openapi.rs has made from the file CHATROOM_OPENAPI_WORLD. Writes how often each code was answered by each
endpoint to the file CHATROOM_OPENAPI_SEEN.
"""

import atexit
import hashlib
import json
import os
import threading
import time
import uuid
from collections import Counter

import schemathesis

WORLD = json.load(open(os.environ["CHATROOM_OPENAPI_WORLD"], encoding="utf-8"))
ROOM = WORLD["room"]

# For each parameter values that lead to a good answer.
VALUES = {
    "roomid": [ROOM],
    "roomids": [f"[{ROOM},{2**63 - 1}]"],
    "creator": ["alice"],
    "operator": ["alice"],
    "accid": ["alice", "bob"],
    "target": ["frank"],
    "targetAccid": ["carol", "dave", "erin"],
    "fromAccid": ["bob"],
    "accids": ['["bob","nobody"]', '["alice","frank"]'],
    "toAccids": ['["bob"]'],
    "fromAcc": ["bob"],
    "operatorAcc": ["alice"],
    "timetag": ["0"],
    "endtime": ["0"],
    "endTime": ["0"],
    "fromTime": ["0"],
    "toTime": ["0"],
    "limit": ["10"],
    "types": ["0"],
    "mute": ["false"],
    "muteRoom": ["false"],
    "msgType": ["0", "100"],
    "msgList": ['[{"msgId":"b1","msgType":0,"attach":"x"},{"msgId":"b2"}]'],
    "roles": ['{"creator":true}'],
    "tags": ['["red"]', '["red","blue"]'],
    "tag": ["red"],
    "notifyTargetTags": ['{"tag":"red"}'],
    "clienttype": ["2", "2", "1"],
    "clientip": ["127.0.0.1"],
    "bid": ["{}"],
    "antispam": ["false"],
    "antispamCustom": ['{"type":1,"data":"x"}'],
    "yidunAntiCheating": ["{}"],
    "yidunAntiSpamExt": ["{}"],
    "key": ["k"],
    "value": ["v"],
    "keys": ['["k"]'],
    "sizeLimit": ["50"],
    "highPriorityPolicy": ["0"],
}

# The same for one endpoint alone: some do away with what they are called for.
OF = {
    "chatroom/delete": {"roomid": WORLD["closed"]},
    "chatroom/toggleCloseStat": {"roomid": WORLD["spare"]},
    "chatroom/updateDelayClosePolicy": {"roomid": WORLD["spare"]},
    "chatroom/queueBatchOffer": {"elements": ['[{"key":"k","value":"v"}]']},
    "chatroom/queueBatchUpdateElements": {"elements": ['{"k":"v"}']},
    "chatroom/kickMember": {"accid": ["alice"]},
    "chatroom/recall": {"msgId": WORLD["recalled"], "msgTimetag": WORLD["recalled_at"]},
    "chatroom/deleteHistoryMessage": {"msgTimetag": WORLD["deleted_at"]},
    "chatroom/updateChatRoomRoleTag": {"accid": ["bob"]},
    "chatroom/temporaryMute": {"target": ["gina"], "muteDuration": ["60", "3600", "0"]},
    "chatroom/updateMyRoomRole": {"accid": ["alice"]},
    "user/create": {"accid": [f"new{number}" for number in range(500)]},
    "user/block": {"accid": ["mallory", "frank"]},
}

SEEN = Counter()
LOCK = threading.Lock()


def signed():
    """Headers of a call that nobody has made before."""
    nonce, now = uuid.uuid4().hex, str(int(time.time()))
    checksum = hashlib.sha1((WORLD["secret"] + nonce + now).encode()).hexdigest()
    return {"AppKey": WORLD["app"], "Nonce": nonce, "CurTime": now, "CheckSum": checksum}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Signs nearly every call and fills in what exists in most of them; which ones depends on nothing but the call."""
    name = case.operation.path.removeprefix("/").removesuffix(".action")
    text = name + repr(sorted(case.body.items(), key=repr) if isinstance(case.body, dict) else case.body)
    chance = int.from_bytes(hashlib.sha256(text.encode(errors="replace")).digest()[:8], "big")
    # Who fails to prove who he is has to wait.
    if chance % 200:
        case.headers.update(signed())
    # A repeated RequestId is refused before anything is looked at.
    if chance % 10:
        case.headers.pop("RequestId", None)
    if isinstance(case.body, dict) and chance % 4:
        values = VALUES | OF.get(name, {})
        for key in case.body.keys() & values.keys():
            options = values[key]
            case.body[key] = options[chance // 80 % len(options)]


@schemathesis.check
def no_server_error_code(context, response, case):
    """HTTP says 200 whatever happens: a defect is a code of 500."""
    code = response.json().get("code")
    name = case.operation.path.removeprefix("/").removesuffix(".action")
    with LOCK:
        SEEN[f"{name} {code}"] += 1
    assert code != 500, f"the answer is {response.text}"


@atexit.register
def write_seen():
    with open(os.environ["CHATROOM_OPENAPI_SEEN"], "w", encoding="utf-8") as file:
        json.dump(SEEN, file)
