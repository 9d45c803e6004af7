import { Injectable } from '@nestjs/common';
import { Database } from '../../ports/database/database.js';

/** The id of the installation, which never changes (ADR 33). */
@Injectable()
export class InstallationName {
  private known: string | null = null;

  constructor(private readonly database: Database) {}

  /** null while the database does not answer; the next call asks again. */
  async read(): Promise<string | null> {
    if (this.known !== null) return this.known;
    try {
      this.known = (await this.database.read((unit) => unit.gate.read())).installation;
    } catch {
      return null;
    }
    return this.known;
  }
}
