import { Controller, Delete, Get, HttpCode, HttpStatus, Logger, Post, Req, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { isoOf } from '../../domain/iso-of.js';
import { AppConfig } from '../../platform/config/env.js';
import { VERSION } from '../../platform/config/version.js';
import { refuseBody } from '../../platform/http/input/input-rules.js';
import { ApiAnswer } from '../../platform/http/openapi/openapi.js';
import { type Actor, type CallOrigin } from '../../platform/identity/actor.js';
import { AdminAccess, unauthorized } from '../../platform/identity/admin-access.js';
import { Admin, Caller } from '../../platform/identity/admin.guard.js';
import { type AdminRole } from '../../platform/identity/key-role.js';
import { RecordedCalls } from '../../platform/identity/recorded-calls.js';
import { Sessions } from '../../platform/identity/session/sessions.js';
import { InstallationName } from './installation-name.js';
import { type SessionJson, sessionJsonSchema } from './session-json.js';
import { StoredSessions } from './stored-sessions.js';

/** The console's session: a credential that a browser keeps and no page can read. */
@ApiTags('administration')
@Admin('viewer')
@Controller('api/admin/session')
export class SessionController {
  private readonly logger = new Logger(SessionController.name);

  constructor(
    private readonly access: AdminAccess,
    private readonly sessions: Sessions,
    private readonly stored: StoredSessions,
    private readonly installation: InstallationName,
    private readonly recorded: RecordedCalls,
    private readonly config: AppConfig,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Sign in: a cookie for the credential of this call, for 8 h or as long as the credential is good',
  })
  @ApiAnswer(201, 'Signed in.', sessionJsonSchema, { headers: { 'Set-Cookie': 'The session.' } })
  async signIn(
    @Req() request: FastifyRequest,
    @Caller() by: CallOrigin,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionJson> {
    // A session that renews itself would never end.
    const credential = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
    if (credential === undefined) throw unauthorized('absent', 'admin');
    refuseBody(request.body);
    this.sessions.refuseForeignPage(request);
    const actor = await this.actorOf(request);
    this.recorded.note(actor);
    const begun = await this.sessions.begin(actor, credential);
    // A token is accepted for some seconds beyond its end. No session goes on for that long.
    if (this.sessions.isOver(begun.session)) throw unauthorized('refused', 'admin');
    await this.stored.noteBegin(begun.session, by, begun.byToken);
    if (!begun.byToken) await this.endReplaced(request, by);
    reply.header('set-cookie', this.sessions.cookieFor(request, begun));
    return this.json({ ...actor, expiresAt: begun.session.expiresAt }, true);
  }

  @Get()
  @ApiOperation({ summary: 'Who the caller is, until when, and what this installation is' })
  @ApiAnswer(200, 'The caller.', sessionJsonSchema)
  async showSession(@Req() request: FastifyRequest): Promise<SessionJson> {
    return this.json(await this.actorOf(request), request.headers.authorization === undefined);
  }

  @Delete()
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    summary: 'Sign out: the session is over in every process within 5 s, also for who has copied the cookie',
  })
  @ApiNoContentResponse({ description: 'Signed out.' })
  async signOut(
    @Req() request: FastifyRequest,
    @Caller() by: CallOrigin,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    refuseBody(request.body);
    const outcome = await this.sessions.find(request);
    // With a credential besides, the call is the credential's, and the cookie may be another operator's.
    if (outcome.kind === 'live' && request.headers.authorization === undefined) {
      await this.stored.end(outcome.session, by);
    }
    reply.header('set-cookie', this.sessions.cookieFor(request, null));
  }

  /** The browser throws the cookie of before away. A copy of it must not go on. */
  private async endReplaced(request: FastifyRequest, by: CallOrigin): Promise<void> {
    try {
      const replaced = await this.sessions.find(request);
      if (replaced.kind === 'live') await this.stored.end(replaced.session, by);
    } catch (error) {
      this.logger.warn(`the session that a sign-in replaces was not ended: ${(error as Error).message}`);
    }
  }

  private async actorOf(request: FastifyRequest): Promise<Actor> {
    const actor = await this.access.identify(request);
    // The guard has let the caller in a moment ago.
    if (actor === null) throw unauthorized('absent', 'admin');
    return actor;
  }

  private async json({ id, name, role, expiresAt }: Actor, bySession: boolean): Promise<SessionJson> {
    const { profile, identity, twoPerson, admin } = this.config;
    const installation = await this.installation.read();
    return {
      actor: { id, name },
      role: role as AdminRole,
      expiresAt: isoOf(expiresAt),
      bySession,
      service: { profile, identity, version: VERSION, installation, twoPerson, onePort: admin === undefined },
    };
  }
}
