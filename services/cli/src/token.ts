/** `tidings token <user>`: a token from the development issuer, for scripts and curl. */
import * as t from 'io-ts';
import { isRight } from 'fp-ts/lib/Either.js';
import { PUBLIC_CLIENT, SERVICE_CLIENT, TOKEN_PATH } from '../../dev-issuer/src/names.ts';

const TokenAnswer = t.type({ access_token: t.string });

/**
 * @param user a demo user, or `service` for a back end's token with the admin role
 * @throws with a sentence when the issuer refuses
 */
export const fetchToken = async (devIssuer: string, user: string): Promise<string> => {
  const form =
    user === 'service'
      ? { grant_type: 'client_credentials', client_id: SERVICE_CLIENT, client_secret: SERVICE_CLIENT }
      : { grant_type: 'password', client_id: PUBLIC_CLIENT, username: user, password: user };
  const response = await fetch(`${devIssuer}${TOKEN_PATH}`, { method: 'POST', body: new URLSearchParams(form) });
  const answer = TokenAnswer.decode(await response.json());
  if (isRight(answer)) return answer.right.access_token;
  throw new Error(`the development issuer knows no "${user}": there are alice, bob, carol, and "service" for a back end`);
};
