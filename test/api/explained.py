"""Refusals of requests that fit their schemas, for reasons that no JSON Schema can say.

Each reason is looked for in the request itself, so that a refusal without it stays a finding.
"""

import re
import unicodedata

import schemathesis

SHORT_INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d(Z|[+-]\d\d:\d\d)$")

# A key must not bear the name of one.
OTHER_ACTOR = re.compile(r"\s*((bootstrap|service|command|unknown)\s*$|jwt:|npm run\b)", re.IGNORECASE)

# Bytes.
BODY_LIMIT = 4096

# Unicode's Default_Ignorable_Code_Point, which Python does not know.
IGNORABLE = [
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
]  # fmt: skip


def hides_something(text):
    """A control or invisible character, a noncharacter, or nothing to see at all."""
    for letter in text:
        point = ord(letter)
        if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or point & 0xFFFE == 0xFFFE:
            return True
        if 0xFDD0 <= point <= 0xFDEF or any(first <= point <= last for first, last in IGNORABLE):
            return True
    return not any(unicodedata.category(letter)[0] in "LNPS" for letter in text)


def leaves_the_years(instant):
    """On the first and last day the zone decides whether it is a year that can be stored."""
    return instant.startswith(("1970-01-01", "9999-12-31"))


def is_explained(error, case):
    body = case.body if isinstance(case.body, dict) else {}
    value = body.get(error["pointer"].removeprefix("/"))
    match error["in"], error["pointer"]:
        case "query", "/cursor":
            # Opaque: only the service makes one.
            return "cursor" in case.query
        case "query", "/from" | "/to":
            return leaves_the_years(case.query[error["pointer"].removeprefix("/")])
        case "query", "/total":
            # Only a lowering has one, and it has to have one.
            return (case.query.get("of") == "lower") != ("total" in case.query)
        case "query", "/userId":
            # Only the token of a user can leave it out.
            return "userId" not in case.query
        case "body", "/name" | "/reason":
            return hides_something(value) or OTHER_ACTOR.match(value)
        case "body", "/startsAt":
            return leaves_the_years(value)
        case "body", "/endsAt":
            # It has to be later than the start, which a change may leave as it is, and than now.
            return value is None or isinstance(body.get("startsAt"), str) or leaves_the_years(value) or value < "2100"
        case "body", "/challenge":
            # The service has no secret for it.
            return value == "turnstile"
        case "body", "/expiresAt":
            # It has to be later than now.
            return leaves_the_years(value) or value < "2100"
    return False


def accepts_short_instants(failure, case):
    named = [name for name in ("from", "to") if f"`{name}` in query" in str(failure.message)]
    return len(named) > 0 and all(SHORT_INSTANT.match(str(case.query.get(name))) for name in named)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """False for what is no finding."""
    if response.status_code == 413:
        # Escaped, a text of the allowed length can be larger than a body may be.
        return len(response.request.body) <= BODY_LIMIT
    if failure.code == "ST401":
        # An address that has shown ten wrong credentials is refused without a look at the next one. `response` is that of
        # the call with the right one.
        return "429 Too Many Requests" not in failure.message
    if failure.code == "ST201":  # a request that violates its schema was accepted
        # Instants may leave out their seconds, in a body and in a query; the format `date-time` may not.
        return not accepts_short_instants(failure, case)
    if failure.code != "ST202":  # a request that fits its schema was refused
        return True
    problem = response.json()
    match problem["code"]:
        case "validation-failed" | "invalid-cursor":
            return not all(is_explained(error, case) for error in problem["errors"])
        case "idempotency-key-reused":
            # The cases use few keys for many bodies.
            return "Idempotency-Key" not in case.headers
        case "precondition-failed":
            if isinstance(case.body, dict) and "expected" in case.body:
                # Of another number of failed events than there are.
                return problem.get("count") == case.body["expected"]
            return case.headers["If-Match"].strip() == "*"
    return True
