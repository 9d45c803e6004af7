import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { isoOf } from '../../domain/iso-of.js';
import { AppConfig } from '../../platform/config/env.js';
import { IDENTITIES } from '../../platform/config/variables.js';
import { VERSION } from '../../platform/config/version.js';
import { ApiAnswer } from '../../platform/http/openapi/openapi.js';
import { isoInstant } from '../../platform/http/output/schemas.js';
import { embeddingOriginsOf } from '../../platform/http/pages/embedding.js';
import { AnswersFromMemory } from '../../platform/http/reads/read-admission.js';
import { GateClock } from '../gate-watch/gate-clock.js';

const serviceJsonSchema = z
  .object({
    name: z.literal('coupon-system'),
    version: z.string().meta({ description: 'Of the build. A page of another one should be loaded again.' }),
    profile: z.enum(['embedded', 'distributed']),
    identity: z.enum(IDENTITIES).meta({
      description:
        'Who says who the user of a claim is: `open`, the caller; `key`, a server with an API key; `jwt`, a token of the user.',
    }),
    embeddingOrigins: z
      .array(z.string())
      .meta({ description: 'Origins whose pages may show a drop in a frame, and hand it the token of their user.' }),
    operatorPages: z.array(z.enum(['console', 'docs'])).meta({
      description: 'Which pages of operators are at this address. With `ADMIN_PORT` they are at another one.',
    }),
    now: isoInstant.meta({ description: 'The instant by the clock that decides when a campaign starts and ends.' }),
  })
  .meta({ id: 'Service' });

/** What a page has to know before it can show a drop. All of it is for every caller. */
@ApiTags('service')
@Controller('api/service')
export class ServiceInfoController {
  private readonly constant: Omit<z.infer<typeof serviceJsonSchema>, 'now'>;

  constructor(
    private readonly gateClock: GateClock,
    { profile, identity, http, admin, docs }: AppConfig,
  ) {
    const embeddingOrigins = [...embeddingOriginsOf(http.corsOrigins)];
    const operatorPages: z.infer<typeof serviceJsonSchema>['operatorPages'] = [];
    if (admin === undefined) operatorPages.push('console', ...(docs ? (['docs'] as const) : []));
    this.constant = { name: 'coupon-system', version: VERSION, profile, identity, embeddingOrigins, operatorPages };
  }

  @Get()
  @AnswersFromMemory()
  @ApiOperation({ summary: 'What this service is, and its clock' })
  @ApiAnswer(200, 'The service.', serviceJsonSchema)
  async describeService(): Promise<z.infer<typeof serviceJsonSchema>> {
    return { ...this.constant, now: isoOf(await this.gateClock.now()) };
  }
}
