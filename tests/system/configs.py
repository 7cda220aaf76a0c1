"""Configurations of reprised that several tests use, as plain dicts to be changed at will."""


def site(certificate, name=None, **more):
    out = {} if name is None else {"name": name}
    return out | {"certificate": certificate.chain, "key": certificate.key} | more


def listener(*sites, **more):
    return {"address": "127.0.0.1:0"} | more | {"sites": list(sites)}


def config(*listeners, workers=2, fleet=None, **more):
    out = {"workers": workers}
    if fleet:
        out["fleet"] = fleet
    return out | more | {"listen": list(listeners), "log": {"format": "json"}}


def one_site(certificate, workers=2, fleet=None, top=None, **more):
    """One listener that serves localhost by the built-in page."""
    made = listener(site(certificate, "localhost"), **more)
    return config(made, workers=workers, fleet=fleet, **(top or {}))
