import { Logger } from '@nestjs/common';

// Tests cause failures on purpose. Only the tests that check log lines turn logging on.
Logger.overrideLogger(false);
