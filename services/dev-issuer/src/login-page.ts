/** The login form that a page's user sees (authorization code flow), as plain HTML. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { authenticate } from './provider.ts';
import type { DemoPerson } from './people.ts';

const MAX_FORM_BYTES = 4_096;

/** `GET` shows the form, `POST` takes it and sends the browser back to where the login began. */
export const handleLogin = async (
  provider: Provider,
  people: readonly DemoPerson[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  if (request.method !== 'POST') {
    await provider.interactionDetails(request, response); // an unknown or outdated login is an error here
    return sendForm(response, 200, people, '');
  }
  const form = new URLSearchParams(await readForm(request));
  const person = authenticate(people, form.get('username'), form.get('password'));
  if (person === undefined) return sendForm(response, 403, people, 'Wrong user name or password.');
  await provider.interactionFinished(request, response, { login: { accountId: person.userId } });
};

const readForm = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_FORM_BYTES) throw new RangeError('the login form is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
};

const sendForm = (response: ServerResponse, status: number, people: readonly DemoPerson[], problem: string): void => {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  });
  response.end(`<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Tidings: development login</title>
<style>body{font:16px system-ui;max-width:22rem;margin:15vh auto;padding:0 1rem}label{display:block;margin:.8rem 0}input,button{font:inherit;width:100%;padding:.5rem;box-sizing:border-box}[role=alert]{color:#b00020}</style>
<h1>Development login</h1>
<p>${people.map((person) => person.username).join(', ')}: the password is the name.</p>
${problem === '' ? '' : `<p role="alert">${problem}</p>`}
<form method="post">
<label>User name <input name="username" autocomplete="username" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button>
</form>
</html>
`);
};
