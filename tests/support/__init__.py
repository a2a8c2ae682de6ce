"""What tests run against: real PostgreSQL, Redis, Kafka, Kannel, SMTP and real `rtsm` processes.

Every part is a small class that owns the processes it starts and ends only those. What fixtures
exist is in `tests/conftest.py`; what to install is in `install.py`.
"""
