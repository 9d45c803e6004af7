import { Logger } from '@nestjs/common';

// Failures are provoked on purpose here; what the service says about them belongs to the tests that look for it.
Logger.overrideLogger(false);
