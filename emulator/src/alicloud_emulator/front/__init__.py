"""The way in: sockets, TLS, HTTP, signatures, faults; then a service answers.

| file | what it holds |
|---|---|
| hosts.py | which product and region a host name means, and whether it resolves |
| tls.py | the CA made at start, and certificates for every emulated host |
| http.py, body.py | HTTP/1.1 on one connection; bodies streamed both ways |
| server.py | the listeners: proxy, tunnels, direct connections; outside and inside |
| signatures/ | who signed a request, for each way of signing |
| dispatch.py | one request's way: verify, throttle, faults, service, counts |
| emulator.py | all of it put together around one world |
| console.py, documents.py, events.py, rules.py | for people and tests |
| hooks/ | what makes Python and Node.js children use the emulator |
"""
