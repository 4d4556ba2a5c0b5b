"""Servers: FastAPI, Starlette and uvicorn live here."""
