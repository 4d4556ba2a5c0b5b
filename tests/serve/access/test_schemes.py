"""Who somebody is: by token, by password, by a token of a proxy; and that no secret is ever shown."""

import base64
import hashlib
import hmac
import json
import logging
import time
import traceback

import jsonschema
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import DocumentError, UnauthorizedError
from dtedask.serve.access import ANYBODY, AccessDocument, hash_password, hash_token, load_access

TOKEN = "3yQm-a-token-that-nobody-guesses-7f"
PASSWORD = "correct: horse battery"
SECRET = "a secret of a proxy, long enough to sign"
ADA = {"user": "ada", "roles": ["forecaster"]}


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def basic(user, password):
    return {"authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


@pytest.fixture(scope="module")
def tokens():
    return load_access({"bearer": {"tokens": [{**ADA, "sha256": hash_token(TOKEN)}]}})


@pytest.fixture(scope="module")
def passwords():
    return load_access({"basic": {"users": [{**ADA, "realm": "here", "scrypt": hash_password(PASSWORD)}]}})


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    place = tmp_path_factory.mktemp("secrets") / "proxy"
    place.write_text(SECRET)
    return load_access({"jwt": {"secret": {"file": str(place)}, "issuer": "proxy", "audience": "dtedask"}})


def claims(**others):
    found = {"sub": "ada", "realm": "ecmwf", "roles": ["reader"], "iss": "proxy", "aud": "dtedask"}
    return {**found, "exp": time.time() + 600, **others}


def test_without_a_document_nobody_is_asked():
    access = load_access()
    assert access.is_open
    assert access.authenticate({}) == ANYBODY
    assert access.authenticate(bearer("whatever")) == ANYBODY


def test_a_token_says_who_it_is(tokens):
    ada = tokens.authenticate(bearer(TOKEN))
    assert (ada.user, ada.realm, ada.roles, ada.name) == ("ada", "local", {"forecaster"}, "local/ada")
    assert tokens.authenticate({"authorization": f"bearer  {TOKEN} "}) == ada
    assert tokens.authenticate({}).is_anonymous


@given(st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"])).filter(lambda text: text.strip() != TOKEN))
def test_other_tokens_are_refused(tokens, token):
    with pytest.raises(UnauthorizedError, match="not known"):
        tokens.authenticate({"authorization": f"Bearer {token}x"})


def test_a_password_says_who_it_is_at_once_and_again(passwords):
    ada = passwords.authenticate(basic("ada", PASSWORD))
    assert (ada.user, ada.realm) == ("ada", "here")
    assert passwords.authenticate(basic("ada", PASSWORD)) == ada
    assert passwords.login("ada", PASSWORD) == ada


@pytest.mark.parametrize(("user", "password"), [("ada", "wrong"), ("ada", ""), ("bob", PASSWORD), ("", PASSWORD)])
def test_other_names_and_passwords_are_refused_alike(passwords, user, password):
    with pytest.raises(UnauthorizedError, match="^These credentials are not known.$"):
        passwords.authenticate(basic(user, password))


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic YWRh", "Basic /w==", "Digest x", "ada", "Bearer x"])
def test_headers_that_say_nothing_are_refused(passwords, header):
    with pytest.raises(UnauthorizedError, match="not written as Basic wants it|not known here"):
        passwords.authenticate({"authorization": header})


def test_secrets_come_from_the_environment_and_files(monkeypatch, tmp_path):
    monkeypatch.setenv("ADA_TOKEN", TOKEN)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    (tmp_path / "access.yaml").write_text(
        "bearer: {tokens: [{user: ada, environment: ADA_TOKEN}]}\nbasic: {users: [{user: bob, file: password}]}\n"
    )
    access = load_access(tmp_path / "access.yaml")
    assert access.authenticate(bearer(TOKEN)).user == "ada"
    assert access.authenticate(basic("bob", PASSWORD)).user == "bob"
    assert access.challenge == 'Bearer, Basic realm="dtedask", charset="UTF-8"'


def test_a_token_of_a_proxy_says_who_it_is(proxy):
    ada = proxy.authenticate(bearer(jwt.encode(claims(), SECRET)))
    assert (ada.user, ada.realm, ada.roles) == ("ada", "ecmwf", {"reader"})
    assert proxy.authenticate(bearer(jwt.encode(claims(username="lovelace"), SECRET))).user == "lovelace"


@pytest.mark.parametrize(
    ("changed", "secret", "message"),
    [
        ({"exp": 1}, SECRET, "has ended"),
        ({"nbf": time.time() + 600}, SECRET, "ImmatureSignature"),
        ({"iss": "other"}, SECRET, "InvalidIssuer"),
        ({"aud": "other"}, SECRET, "InvalidAudience"),
        ({}, f"another {SECRET}", "InvalidSignature"),
        ({"sub": None}, SECRET, "not accepted|names no user"),
        ({"roles": 3}, SECRET, "no list of texts"),
        ({"roles": [3]}, SECRET, "no list of texts"),
    ],
)
def test_tokens_of_a_proxy_that_are_wrong_are_refused(proxy, changed, secret, message):
    with pytest.raises(UnauthorizedError, match=message):
        proxy.authenticate(bearer(jwt.encode(claims(**changed), secret)))


def test_a_token_without_an_end_or_a_signature_is_refused(proxy):
    endless = {key: value for key, value in claims().items() if key != "exp"}
    with pytest.raises(UnauthorizedError, match="MissingRequiredClaim"):
        proxy.authenticate(bearer(jwt.encode(endless, SECRET)))
    with pytest.raises(UnauthorizedError, match="InvalidAlgorithm"):
        proxy.authenticate(bearer(jwt.encode(claims(), None, algorithm="none")))


@given(st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"])))
def test_what_is_no_token_is_refused(proxy, token):
    with pytest.raises(UnauthorizedError, match="not accepted|not known"):
        proxy.authenticate({"authorization": f"Bearer {token}"})


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def jwks(**keys):
    found = [
        {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": name} for name, key in keys.items()
    ]
    return json.dumps({"keys": [{**one, "alg": "RS256", "use": "sig"} for one in found]})


def test_a_public_key_checks_tokens_and_signs_none(tmp_path, key):
    (tmp_path / "proxy.pem").write_text(pem(key))
    (tmp_path / "access.yaml").write_text("jwt: {public_key: proxy.pem, audience: dtedask, realm: proxy}\n")
    access = load_access(tmp_path / "access.yaml")
    plain = {name: value for name, value in claims().items() if name != "realm"}
    assert access.authenticate(bearer(jwt.encode(plain, key, algorithm="RS256"))).realm == "proxy"
    forged = hs256_by_hand(plain, pem(key))  # the public key, taken for a secret
    with pytest.raises(UnauthorizedError, match="InvalidAlgorithm"):
        access.authenticate(bearer(forged))


def hs256_by_hand(content, secret):
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    body = b".".join(part(json.dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, content))
    return (body + b"." + part(hmac.digest(secret.encode(), body, hashlib.sha256))).decode()


def test_a_key_set_is_read_again_when_the_proxy_changes_its_key(tmp_path, key):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (tmp_path / "keys.json").write_text(jwks(one=key))
    (tmp_path / "access.yaml").write_text(
        "jwt: {jwks: keys.json, audience: dtedask, claims: {user: sub, roles: resource.roles}}\n"
    )
    access = load_access(tmp_path / "access.yaml")
    nested = claims(resource={"roles": "reader writer"})
    signed = {
        name: jwt.encode(nested, one, algorithm="RS256", headers={"kid": name})
        for name, one in (("one", key), ("two", other))
    }
    assert access.authenticate(bearer(signed["one"])).roles == {"reader", "writer"}
    with pytest.raises(UnauthorizedError, match="names a key that is not known"):
        access.authenticate(bearer(signed["two"]))
    (tmp_path / "keys.json").write_text(jwks(one=key, two=other))
    assert access.authenticate(bearer(signed["two"])).user == "ada"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("admin_roles: [admin]", "nobody can say who he is"),
        ("bearer: {tokens: [{user: ada}]}", "exactly one of sha256, environment, file is needed, and there are 0"),
        ("bearer: {tokens: [{user: ada, environment: NOT_SET_HERE}]}", "'NOT_SET_HERE' of the environment.*is not set"),
        ("basic: {users: [{user: 'a:b', environment: X}]}", "no name of a user"),
        ("basic: {users: [{user: a, environment: X}, {user: a, environment: X}]}", "'a' is there twice"),
        ("jwt: {jwks: /does/not/exist}", "Cannot read the file '/does/not/exist'"),
        ("jwt: {public_key: x.pem, algorithms: [HS256]}", "HS256 needs a secret"),
        ("jwt: {secret: {environment: X}, algorithms: [RS256]}", "with a secret the algorithms are"),
        ("jwt: {secret: {environment: X}, algorithms: [none]}", "'none' is not possible"),
        ("bearer: {token: []}", "unknown key 'token'.*Did you mean 'tokens'"),
    ],
)
def test_documents_that_are_wrong_are_refused(document, message):
    with pytest.raises(DocumentError, match=message):
        load_access(document)


@pytest.mark.parametrize(
    ("document", "is_legal"),
    [
        ({"bearer": {"tokens": [{**ADA, "sha256": hash_token(TOKEN)}]}, "admin_roles": {"local": ["admin"]}}, True),
        ({"jwt": {"secret": {"file": "secret"}, "audience": "x"}, "roles": {"a": {"filters": {"t": {"k": 1}}}}}, True),
        ({"bearer": {"tokens": [{**ADA, "sha256": TOKEN}]}}, False),
        ({"bearer": {"tokens": [{**ADA, "token": TOKEN}]}}, False),
        ({"jwt": {"secret": {"file": "secret"}, "algorithms": ["none"]}}, False),
    ],
)
def test_the_json_schema_takes_what_is_legal(document, is_legal):
    assert jsonschema.Draft202012Validator(AccessDocument.json_schema()).is_valid(document) == is_legal


def test_a_short_secret_is_refused(monkeypatch):
    monkeypatch.setenv("PROXY_SECRET", "too short")
    with pytest.raises(DocumentError, match="9 bytes, and could be guessed"):
        load_access({"jwt": {"secret": {"environment": "PROXY_SECRET"}}})


def attempts(monkeypatch):
    """Everything that can go wrong with a secret, as calls."""
    monkeypatch.setenv("ADA_TOKEN", TOKEN)
    monkeypatch.setenv("PROXY_SECRET", SECRET)
    good = load_access(
        {
            "bearer": {"tokens": [{**ADA, "environment": "ADA_TOKEN"}]},
            "basic": {"users": [{"user": "bob", "scrypt": hash_password(PASSWORD)}]},
            "jwt": {"secret": {"environment": "PROXY_SECRET"}},
        }
    )
    signed = jwt.encode(claims(), SECRET)
    yield lambda: repr(good) + str(good) + repr(vars(good))
    yield lambda: good.authenticate(bearer(TOKEN))
    yield lambda: good.authenticate(bearer(TOKEN + "x"))
    yield lambda: good.authenticate(bearer(signed[:-2]))
    yield lambda: good.authenticate(basic("bob", PASSWORD))
    yield lambda: good.login("bob", f"{PASSWORD}\ud800")
    yield lambda: good.authenticate({"authorization": f"Basic {PASSWORD}"})
    yield lambda: good.authenticate({"authorization": TOKEN})
    for key in ("sha256", "token", "environment"):
        yield lambda key=key: load_access({"bearer": {"tokens": [{**ADA, key: TOKEN}]}})
    for key in ("scrypt", "password"):
        yield lambda key=key: load_access({"basic": {"users": [{**ADA, key: PASSWORD}]}})
    yield lambda: load_access({"bearer": {"tokens": [{**ADA, "sha256": [TOKEN]}]}})
    yield lambda: load_access({"bearer": {"tokens": [TOKEN]}})
    yield lambda: load_access({"bearer": TOKEN})
    yield lambda: load_access({"jwt": {"secret": SECRET}})
    yield lambda: load_access({"jwt": {"secret": {"value": SECRET}}})


def test_no_secret_is_ever_shown(monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    shown = []
    for attempt in attempts(monkeypatch):
        try:
            shown.append(repr(attempt()))
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not tell
            shown.append("".join(traceback.format_exception(error)))
    text = "\n".join([*shown, caplog.text])
    hidden = [TOKEN, PASSWORD, SECRET, hash_token(TOKEN), base64.b64encode(PASSWORD.encode()).decode()]
    assert [secret for secret in hidden if secret in text] == []
