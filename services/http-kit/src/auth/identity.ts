/** Who holds a token: verified, and known to the log as a user. */
import type { Actor } from '../ctx.ts';

export interface Identity {
  /**
   * Verifies the token and sees to it that its user exists.
   * @throws ApiError 401 UNAUTHORIZED or TOKEN_EXPIRED, 503 AUTH_UNAVAILABLE
   */
  authenticate(token: string): Promise<Actor>;
}
