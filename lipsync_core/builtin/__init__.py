"""The embedded defaults: what works with nothing downloaded, offered through the same hooks as any plugin."""
