/** The bearer token of a request (RFC 6750 §2.1: the header only; a token in a URL ends up in logs). */
import { ApiError } from '../errors.ts';

/** RFC 6750 §3: what a client must do to be let in. */
export const challenge = (error?: string, description?: string): Readonly<Record<string, string>> => ({
  'www-authenticate':
    error === undefined ? 'Bearer realm="tidings"' : `Bearer realm="tidings", error="${error}", error_description="${description ?? ''}"`,
});

/** @throws ApiError 401 */
export const bearerToken = (authorization: string | undefined): string => {
  if (authorization === undefined) throw new ApiError('UNAUTHORIZED', 'A bearer token is required.', { headers: challenge() });
  const token = /^bearer +([\w.~+/-]+=*) *$/i.exec(authorization)?.[1];
  if (token === undefined) {
    throw new ApiError('UNAUTHORIZED', 'The Authorization header must be "Bearer <token>".', {
      headers: challenge('invalid_request', 'not a bearer token'),
    });
  }
  return token;
};
