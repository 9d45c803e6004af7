import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { Controller, Get, Logger, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { Clock } from '../../platform/flow/clock.js';
import { ApiFile, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { Admin, Caller } from '../../platform/identity/admin.guard.js';
import { DatabaseSnapshots } from '../../ports/database/database-snapshots.js';
import { Database } from '../../ports/database/database.js';

const MEDIA_TYPE = 'application/vnd.sqlite3';

/** Serves a copy of the database while claims go on. It holds every coupon's code: protect it like the database. */
@ApiTags('administration')
@Admin('admin')
@Controller('api/admin/backup')
export class BackupController {
  private readonly logger = new Logger(BackupController.name);

  constructor(
    private readonly snapshots: DatabaseSnapshots,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  @Get()
  @ApiOperation({ summary: 'A copy of the whole database as one file; embedded profile only' })
  @ApiFile(MEDIA_TYPE, 'Every claim that was accepted before the call is in it.', 'binary')
  @ApiProblems('backup-under-way', 'database-unavailable', 'not-enough-space')
  async downloadBackup(
    @Caller() by: CallOrigin,
    @Req() { method }: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (method === 'HEAD') {
      // No copy is made, and none is recorded.
      reply.header('content-type', MEDIA_TYPE).send(Readable.from([]));
      return;
    }
    const snapshot = await this.snapshots.take();
    if (snapshot.kind === 'backup-under-way') throw new Problem(snapshot.kind);
    if (snapshot.kind === 'not-enough-space') {
      const { needed, free } = snapshot;
      throw new Problem(snapshot.kind, { extensions: { needed, free } });
    }
    try {
      await this.database.transaction((unit) =>
        unit.audit.record({
          action: 'backup',
          subject: 'database',
          campaignId: null,
          by,
          detail: { bytes: snapshot.bytes },
        }),
      );
    } catch (error) {
      await snapshot.release();
      throw error;
    }
    const file = createReadStream(snapshot.path);
    // Fires also when the caller hangs up, because that destroys the stream.
    file.once('close', () => {
      snapshot.release().catch((error: unknown) => this.logger.error(`a backup was not deleted: ${String(error)}`));
    });
    const name = `coupon-${new Date(this.clock.wall()).toISOString().slice(0, 19).replaceAll(':', '')}Z.sqlite`;
    reply
      .header('content-type', MEDIA_TYPE)
      .header('content-length', String(snapshot.bytes))
      .header('content-disposition', `attachment; filename="${name}"`)
      .send(file);
  }
}
