"""The REST and Socket.IO surface that frontends reach."""
