import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiAnswer } from '../../platform/http/openapi/openapi.js';
import { AnswersFromMemory } from '../../platform/http/reads/read-admission.js';
import { Admin } from '../../platform/identity/admin.guard.js';
import { type SystemJson, systemJsonSchema } from './system-json.js';
import { SystemReport } from './system-report.js';

/** What an operator looks at first when something is wrong. */
@ApiTags('administration')
@Admin('viewer')
@Controller('api/admin/system')
export class SystemController {
  constructor(private readonly system: SystemReport) {}

  @Get()
  @AnswersFromMemory()
  @ApiOperation({
    summary: 'The gate and its rebuilds, the servers, the lag of the consumer, the processes',
    description:
      'Each part is asked of the server that it is about. It is 200 also while servers are away: that part says so, and since when. It takes 2 s at most.',
  })
  @ApiAnswer(200, 'As it is now, or was within the last second.', systemJsonSchema)
  showSystem(): Promise<SystemJson> {
    return this.system.read();
  }
}
