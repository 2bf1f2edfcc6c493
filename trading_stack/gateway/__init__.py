"""The gateway: where orders come in, over WebSocket and HTTP, and find the engine that leads."""
