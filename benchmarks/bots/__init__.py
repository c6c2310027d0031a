"""The systems we are compared with, each as a process of its own."""
