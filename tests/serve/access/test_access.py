"""What somebody may do: roles of event types, filters of roles; and that nobody ever sees more than that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import DocumentError, ForbiddenError, UnauthorizedError
from dtedask.notify.event_types import load_event_types
from dtedask.serve.access import ANYBODY, Identity, hash_token, load_access

TYPES = load_event_types("""
plain: {identifier: {country: string, number: integer}}
public: {identifier: {country: string, number: integer}, auth: {required: false}}
known: {identifier: {country: string, number: integer}, auth: {required: true}}
roles:
  identifier: {country: {type: string, required: true}, number: integer}
  auth: {required: true, read_roles: {local: [reader, italy, north], far: ["*"]}, write_roles: {local: [italy]}}
any: {identifier: {country: string}, auth: {read_roles: [reader]}}
commits: {cubes: "*"}
""")
DOCUMENT = {
    "bearer": {"tokens": [{"user": "ada", "sha256": hash_token("x")}]},
    "admin_roles": {"local": ["admin"]},
    "roles": {
        "italy": {"filters": {"roles": {"country": "italy"}, "data": {"class": "od"}}},
        "north": {"filters": {"r*": {"country": ["norway", "iceland"], "number": {"gte": 5}}}},
    },
}
ACCESS = load_access(DOCUMENT)
OPEN = load_access({**DOCUMENT, "open_types": True})


def who(*roles, realm="local"):
    return Identity("ada", realm, frozenset(roles))


@pytest.mark.parametrize(
    ("name", "identity", "reads", "writes"),
    [
        ("plain", ANYBODY, False, False),
        ("plain", who(), True, True),
        ("public", ANYBODY, True, True),
        ("known", ANYBODY, False, False),
        ("known", who(), True, False),
        ("known", who("admin"), True, True),
        ("known", who("admin", realm="far"), True, False),
        ("roles", ANYBODY, False, False),
        ("roles", who(), False, False),
        ("roles", who("reader"), True, False),
        ("roles", who("reader", realm="other"), False, False),
        ("roles", who(realm="far"), True, False),
        ("roles", who("italy"), True, True),
        ("roles", who("admin"), True, True),
        ("any", who("reader", realm="other"), True, False),
        ("any", who("other"), False, False),
        ("any", ANYBODY, False, False),
    ],
)
def test_roles_say_who_reads_and_who_writes(name, identity, reads, writes):
    assert ACCESS.may_read(identity, TYPES[name]) == reads
    assert ACCESS.may_write(identity, TYPES[name]) == writes


def test_types_that_say_nothing_may_be_open():
    assert OPEN.may_read(ANYBODY, TYPES["plain"])
    assert OPEN.may_write(ANYBODY, TYPES["plain"])
    assert not OPEN.may_read(ANYBODY, TYPES["known"])


def test_administrators_alone_delete():
    assert ACCESS.may_administer(who("admin"))
    assert not ACCESS.may_administer(who("reader"))
    assert not ACCESS.may_administer(ANYBODY)
    assert load_access().may_administer(ANYBODY)


countries = st.sampled_from(["italy", "norway", "iceland", "malta"])
sent = st.fixed_dictionaries({"country": countries, "number": st.integers(0, 9)})
wanted = st.fixed_dictionaries(
    {"country": countries | st.lists(countries, min_size=1)},
    optional={"number": st.integers(0, 9) | st.builds(lambda number: {"lt": number}, st.integers(0, 9))},
)
some_roles = st.sets(st.sampled_from(["italy", "north", "reader", "admin", "other"]))


def sees(roles, news):
    """What roles see of the type ``roles``, in plain words."""
    if "admin" in roles:
        return True
    italian, northern = news["country"] == "italy", news["country"] in ("norway", "iceland") and news["number"] >= 5
    if roles & {"italy", "north"}:
        return ("italy" in roles and italian) or ("north" in roles and northern)
    return "reader" in roles


def asks(request, news):
    country, number = request["country"], request.get("number", news["number"])
    is_here = news["country"] in country if isinstance(country, list) else news["country"] == country
    return is_here and (news["number"] < number["lt"] if isinstance(number, dict) else news["number"] == number)


@given(some_roles, wanted, sent)
def test_nobody_reads_more_than_his_roles_and_his_request_allow(roles, request, news):
    identity, event_type = who(*roles), TYPES["roles"]
    identifier = event_type.draft(news).identifier
    try:
        allowed = ACCESS.check_read(identity, event_type)
    except ForbiddenError:
        assert not sees(roles, news)
        return
    asked = event_type.filter(request)
    found = (asked if allowed is None else asked & allowed).takes(identifier)
    assert found == (asks(request, news) and sees(roles, news))


@given(some_roles, sent)
def test_nobody_sends_more_than_his_roles_allow(roles, news):
    identifier = TYPES["roles"].draft(news).identifier
    try:
        ACCESS.check_write(who(*roles), TYPES["roles"], identifier)
    except ForbiddenError:
        is_sent = False
    else:
        is_sent = True
    assert is_sent == ("admin" in roles or ("italy" in roles and sees(roles, news)))


def test_a_filter_of_commits_goes_for_every_name_of_them():
    for name in ("commits", "data", "mars"):
        one = load_event_types({name: {"cubes": "*"}})[name]
        allowed = ACCESS.filter_of(who("italy"), one)
        assert allowed.takes({"class": "od"})
        assert not allowed.takes({"class": "ea"})
        assert ACCESS.filter_of(who("reader"), one) is None


def test_who_may_not_is_told_whether_credentials_would_help():
    with pytest.raises(UnauthorizedError, match="may not read notifications of event type 'known'.*Send credentials"):
        ACCESS.check_read(ANYBODY, TYPES["known"])
    with pytest.raises(ForbiddenError, match="'ada' may not send notifications of event type 'known'"):
        ACCESS.check_write(who(), TYPES["known"], {})
    with pytest.raises(ForbiddenError, match="'ada' may send notifications of event type 'roles', but not this one"):
        ACCESS.check_write(who("italy"), TYPES["roles"], {"country": "malta"})


def test_types_that_ask_who_one_is_need_somebody_who_can_tell():
    with pytest.raises(DocumentError, match="'known' says who may read and send it, and nobody can say who he is"):
        load_access().check(TYPES)
    load_access().check(load_event_types("plain: {identifier: {a: string}}"))
    ACCESS.check(TYPES)


def test_filters_of_roles_must_go_with_their_types():
    wrong = load_access({**DOCUMENT, "roles": {"italy": {"filters": {"roles": {"contry": "italy"}}}}})
    with pytest.raises(DocumentError, match="filter of a role is wrong: .*'contry'.*Did you mean 'country'"):
        wrong.check(TYPES)
