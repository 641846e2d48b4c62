"""What users of the library can test with: conformance suites and scripted parts."""
