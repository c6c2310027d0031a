"""The Gate.io spot connector: APIv4 requests and pushes to order facts, order commands to requests."""
