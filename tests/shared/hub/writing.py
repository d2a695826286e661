"""Endpoints that write: create, fill, tag and delete datasets."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from tests.shared.hub.calls import ID, Answer, Call, D, Routes, as_json
from tests.shared.hub.errors import AnswerError
from tests.shared.hub.repositories import Blob, Repository
from tests.shared.hub.state import User

writing = Routes()


@writing.add("POST", "/api/validate-yaml")
def validate_yaml(call: Call) -> Answer:
    has_metadata = re.match(r"---\r?\n.+?\r?\n---(\r?\n|$)", call.json["content"], re.DOTALL)
    missing = {"message": "empty or missing yaml metadata in repo card"}
    return as_json({"errors": [], "warnings": [] if has_metadata else [missing]})


def _named(call: Call, user: User) -> str:
    return f"{call.json.get('organization') or user.name}/{call.json['name']}"


@writing.add("POST", "/api/repos/create")
def create(call: Call) -> Answer:
    user = call.hub.someone(call.token)
    name = _named(call, user)
    if call.json.get("type") != "dataset":
        raise AnswerError(400, "This Hub has datasets only")
    call.hub.check_rights(user, name.split("/")[0])
    url = {"url": f"{call.endpoint}/datasets/{name}", "name": name}
    if name in call.hub.repositories:
        return as_json({**url, "error": "You already created this dataset repo"}, 409)
    call.hub.repositories[name] = Repository(name, private=call.json.get("visibility") == "private")
    return as_json(url)


@writing.add("DELETE", "/api/repos/delete")
def delete(call: Call) -> Answer:
    name = _named(call, call.hub.someone(call.token))
    del call.hub.repositories[call.hub.writable(name, call.token).id]
    return as_json({})


@writing.add("PUT", f"{D}/settings")
def settings(call: Call, id: str) -> Answer:
    repository = call.hub.writable(id, call.token)
    if "visibility" in call.json:
        repository.private = call.json["visibility"] == "private"
    repository.gated = call.json.get("gated", repository.gated)
    return as_json({"private": repository.private, "gated": repository.gated})


@writing.add("POST", f"{D}/preupload/(?P<revision>[^/]+)")
def preupload(call: Call, id: str, revision: str) -> Answer:
    repository = call.hub.writable(id, call.token)
    tree = repository.at(revision).tree
    modes = []
    for file in call.json["files"]:
        path, sample = file["path"], base64.b64decode(file["sample"])
        mode = "lfs" if repository.wants_large(path, sample, file["size"]) else "regular"
        known = tree[path].etag if path in tree else None
        modes.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": known})
    return as_json({"files": modes})


@writing.add("POST", rf"/datasets/{ID}\.git/info/lfs/objects/batch")
def lfs_batch(call: Call, id: str) -> Answer:
    repository = call.hub.writable(id, call.token)
    objects = []
    for wanted in call.json["objects"]:
        known = {"oid": wanted["oid"], "size": wanted["size"]}
        if wanted["oid"] not in repository.objects:
            put = {"href": call.signed(f"/storage/datasets/{id}/objects/{wanted['oid']}")}
            verify = {"href": f"{call.endpoint}/datasets/{id}.git/info/lfs/objects/verify"}
            known["actions"] = {"upload": put, "verify": verify}
        objects.append(known)
    return as_json({"transfer": "basic", "objects": objects})


@writing.add("PUT", f"/storage/datasets/{ID}/objects/(?P<oid>[0-9a-f]{{64}})")
def put_object(call: Call, id: str, oid: str) -> Answer:
    call.check_signature()
    if hashlib.sha256(call.body).hexdigest() != oid:
        raise AnswerError(400, "BadDigest: the sha256 you specified did not match what we received")
    call.hub.repositories[id].objects[oid] = call.body
    return Answer(headers={"ETag": f'"{oid}"'})


@writing.add("POST", rf"/datasets/{ID}\.git/info/lfs/objects/verify")
def lfs_verify(call: Call, id: str) -> Answer:
    held = call.hub.writable(id, call.token).objects.get(call.json["oid"])
    if held is None or len(held) != call.json["size"]:
        raise AnswerError(404, "Object does not exist, or with another size")
    return as_json({})


@writing.add("POST", f"{D}/commit/(?P<branch>[^/]+)")
def commit(call: Call, id: str, branch: str) -> Answer:
    repository = call.hub.writable(id, call.token)
    if branch != "main":
        raise AnswerError(404, f"Invalid rev id: {branch}", "RevisionNotFound")
    lines = [json.loads(line) for line in call.body.splitlines()]
    header = lines[0]["value"]
    if not repository.head.oid.startswith(header.get("parentCommit", "")):
        raise AnswerError(412, "A commit has happened since. Please refresh and try again.")
    tree = dict(repository.head.tree)
    for line in lines[1:]:
        _change(tree, repository, line["key"], line["value"])
    author = call.hub.someone(call.token).name
    made = repository.commit(tree, header["summary"], message=header["description"], author=author)
    url = f"{call.endpoint}/datasets/{id}/commit/{made.oid}"
    return as_json({"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""})


def _change(tree: dict[str, Blob], repository: Repository, key: str, value: dict[str, Any]) -> None:
    path = value["path"]
    if key == "file":
        tree[path] = Blob(base64.b64decode(value["content"]), is_large=False)
    elif key == "lfsFile":
        if value["oid"] not in repository.objects:
            raise AnswerError(400, f"LFS pointer pointed to a file that does not exist: {path}")
        tree[path] = Blob(repository.objects[value["oid"]], is_large=True)
    elif key in ("deletedFile", "deletedFolder"):
        gone = [
            name
            for name in tree
            if name == path or (key == "deletedFolder" and name.startswith(f"{path.rstrip('/')}/"))
        ]
        if not gone:
            raise AnswerError(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
        for name in gone:
            del tree[name]
    else:
        raise AnswerError(400, f"Unknown operation {key}")


@writing.add("POST", f"{D}/tag/(?P<revision>[^/]+)")
def tag(call: Call, id: str, revision: str) -> Answer:
    call.hub.writable(id, call.token).tag(call.json["tag"], revision)
    return as_json({})


@writing.add("DELETE", f"{D}/tag/(?P<name>[^/]+)")
def delete_tag(call: Call, id: str, name: str) -> Answer:
    if call.hub.writable(id, call.token).tags.pop(name, None) is None:
        raise AnswerError(404, f"Invalid rev id: {name}", "RevisionNotFound")
    return as_json({})
