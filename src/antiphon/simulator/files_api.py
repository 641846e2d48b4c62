"""The routes under `/v1/files`."""

from collections.abc import Sequence
from typing import Any

from antiphon.simulator.clock import Clock
from antiphon.simulator.errors import ApiError
from antiphon.simulator.files import Files
from antiphon.simulator.http import HttpRequest
from antiphon.simulator.multipart import read_form
from antiphon.simulator.paging import Query, page_by_cursor


class FilesApi:
    def __init__(self, files: Files, clock: Clock) -> None:
        self._files = files
        self._now = clock

    def answer(self, request: HttpRequest, rest: Sequence[str], organization: str) -> dict[str, Any]:
        """The JSON for a request to what stands behind `/v1/files`.

        Raises:
            ApiError: 400, 404.
        """
        now = self._now()
        match request.method, rest:
            case "POST", []:
                form = read_form(request.headers.get("content-type", ""), request.body)
                return self._files.upload(organization, form, now).metadata()
            case "GET", []:
                return self._list(Query(request.query), organization)
            case "GET", [file_id]:
                return self._files.get(organization, file_id, now).metadata()
            case "GET", [file_id, "content"]:
                self._files.get(organization, file_id, now)
                details = {"error_code": "file_not_downloadable"}
                raise ApiError(
                    400, f"File {file_id} was uploaded, so it cannot be downloaded", details=details
                )
            case "DELETE", [file_id]:
                self._files.delete(organization, file_id, now)
                return {"type": "file_deleted", "id": file_id}
            case _:
                raise ApiError(404, f"Not found: {request.method} {request.path}")

    def _list(self, query: Query, organization: str) -> dict[str, Any]:
        files = [file.metadata() for file in self._files.all_of(organization, self._now())]
        wanted = query.many("ids")
        if wanted:
            return {"data": [file for file in files if file["id"] in wanted], "next_page": None}
        return page_by_cursor(files, query)
