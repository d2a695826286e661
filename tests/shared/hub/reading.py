"""Endpoints that read: who asks, what a dataset holds, and the bytes of its files."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from tests.shared.hub.calls import ID, Answer, Call, D, Routes, as_json
from tests.shared.hub.errors import AnswerError

reading = Routes()


@reading.add("GET", "/api/whoami-v2")
def whoami(call: Call) -> Answer:
    user = call.hub.someone(call.token)
    role = "write" if user.may_write else "read"
    return as_json(
        {
            "type": "user",
            "name": user.name,
            "fullname": user.name,
            "orgs": [{"type": "org", "name": name, "roleInOrg": "write"} for name in user.orgs],
            "auth": {"type": "access_token", "accessToken": {"displayName": "tests", "role": role}},
        }
    )


@reading.add("GET", "/api/agent-harnesses")
def callers(call: Call) -> Answer:
    """Return the programs that the client would report to the Hub; it asks once a day."""
    return as_json({"standardEnvVars": [], "harnesses": {}})


@reading.add("GET", f"{D}/auth-check(?P<write>/write)?")
def auth_check(call: Call, id: str, write: str) -> Answer:
    (call.hub.writable if write else call.hub.readable)(id, call.token)
    return as_json({})


@reading.add("GET", f"{D}(/revision/(?P<revision>[^/]+))?")
def info(call: Call, id: str, revision: str) -> Answer:
    repository = call.hub.visible(id, call.token)
    at = repository.at(revision or "main")
    siblings = []
    for path, blob in sorted(at.tree.items()):
        sibling: dict[str, Any] = {"rfilename": path}
        if call.asks_for("blobs"):
            sibling |= {"size": len(blob.content), "blobId": blob.git_oid}
            if blob.is_large:
                sibling["lfs"] = {"sha256": blob.sha256, "size": len(blob.content), "pointerSize": len(blob.pointer)}
        siblings.append(sibling)
    return as_json(
        {
            "id": id,
            "author": repository.namespace,
            "sha": at.oid,
            "lastModified": at.date,
            "createdAt": next(iter(repository.commits.values())).date,
            "private": repository.private,
            "gated": repository.gated,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "siblings": siblings,
        }
    )


@reading.add("GET", f"{D}/tree/(?P<revision>[^/]+)(/(?P<folder>.+))?")
def tree(call: Call, id: str, revision: str, folder: str) -> Answer:
    at = call.hub.visible(id, call.token).at(revision)
    paths = at.paths(folder, recursive=call.asks_for("recursive"))
    start = int(call.query.get("cursor", ["0"])[0])
    size = min(call.page_size, 50) if call.asks_for("expand") else call.page_size
    page = [at.entry(path) for path in paths[start : start + size]]
    if call.asks_for("expand"):
        page = [{**entry, "lastCommit": at.last_change(entry["path"])} for entry in page]
    headers = {}
    if start + size < len(paths):
        query = {name: values[0] for name, values in call.query.items()} | {"cursor": str(start + size)}
        headers["Link"] = f'<{call.endpoint}{call.path}?{urlencode(query)}>; rel="next"'
    return as_json(page, headers=headers)


@reading.add("POST", f"{D}/paths-info/(?P<revision>[^/]+)")
def paths_info(call: Call, id: str, revision: str) -> Answer:
    at = call.hub.visible(id, call.token).at(revision)
    form = parse_qs(call.body.decode())
    entries = [at.entry(path) for path in form.get("paths", []) if at.has(path)]
    if form.get("expand") == ["true"]:
        entries = [{**entry, "lastCommit": at.last_change(entry["path"])} for entry in entries]
    return as_json(entries)


@reading.add("GET", f"{D}/refs")
def refs(call: Call, id: str) -> Answer:
    repository = call.hub.visible(id, call.token)
    main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.head.oid}
    tags = [{"name": name, "ref": f"refs/tags/{name}", "targetCommit": at.oid} for name, at in repository.tags.items()]
    return as_json({"branches": [main], "converts": [], "tags": tags, "pullRequests": []})


@reading.add("GET", f"{D}/commits/(?P<revision>[^/]+)")
def commits(call: Call, id: str, revision: str) -> Answer:
    line = [
        {"id": at.oid, "title": at.title, "message": at.message, "date": at.date, "authors": [{"user": at.author}]}
        for at in call.hub.visible(id, call.token).at(revision).line()
    ]
    return as_json(line)


@reading.add("GET", f"/datasets/{ID}/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
def resolve(call: Call, id: str, revision: str, path: str) -> Answer:
    at = call.hub.readable(id, call.token).at(revision)
    blob, headers = at.tree.get(path), {"X-Repo-Commit": at.oid}
    if not blob:
        raise AnswerError(404, "Entry not found", "EntryNotFound", headers)
    headers["ETag"] = f'"{blob.etag}"'
    if not blob.is_large:
        return _part(call, blob.content, headers)
    headers["Location"] = call.signed(f"/storage/datasets/{id}/resolve/{at.oid}/{quote(path)}")
    headers["X-Linked-Etag"] = headers["ETag"]
    headers["X-Linked-Size"] = str(len(blob.content))
    return Answer(302, headers=headers)


@reading.add("GET", f"/storage/datasets/{ID}/resolve/(?P<oid>[0-9a-f]+)/(?P<path>.+)")
def fetch_object(call: Call, id: str, oid: str, path: str) -> Answer:
    call.check_signature()
    blob = call.hub.repositories[id].commits[oid].tree[path]
    return _part(call, blob.content, {"ETag": f'"{blob.sha256}"'})


def _part(call: Call, content: bytes, headers: dict[str, str]) -> Answer:
    """Return the bytes of a file that the call asks for, or all of them."""
    headers |= {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", call.headers.get("range", ""))
    if not asked or asked.group() == "bytes=-":
        return Answer(200, content, headers)
    first, last = asked.groups()
    start = int(first) if first else max(len(content) - int(last), 0)
    end = min(int(last) + 1, len(content)) if first and last else len(content)
    if start >= end:
        return Answer(416, b"", headers | {"Content-Range": f"bytes */{len(content)}"})
    return Answer(206, content[start:end], headers | {"Content-Range": f"bytes {start}-{end - 1}/{len(content)}"})
