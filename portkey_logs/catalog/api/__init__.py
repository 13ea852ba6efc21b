"""``/v1/configs``, ``/v1/prompts``, ``/v1/virtual-keys``, ``/v1/providers``: what Portkey's SDKs call."""
