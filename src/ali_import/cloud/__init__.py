"""The cloud as the engine sees it: one port, requests and values, no SDK type."""
