/**
 * Leaving the mails of a conversation in one click (RFC 8058): a POST to the link does it, without login and whatever its body says. A GET shows a
 * page with a button that makes that POST, since programs follow links on their own.
 */
import { showUnsubscribe, unsubscribeByMail } from '@tidings/contracts/http/gateway-out';
import { type CommandId, derivedId } from '@tidings/contracts/ids';
import { notices, noticesKey } from '@tidings/domain/notices/index';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Bytes, bytes } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handlePublic } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import { openSignedLinks, type SignedLinks, type Unsubscription } from '../../../platform/src/gateway/signed-links.ts';
import type { Platform } from '../../../platform/src/platform.ts';

/** `List-Unsubscribe=One-Click`, as a form of either kind. */
const MOST_BODY_BYTES = 16 * 1024;

export const registerUnsubscribe = (app: FastifyInstance, platform: Platform): void => {
  let opened: Promise<SignedLinks> | null = null;
  const meantBy = async (token: string): Promise<Unsubscription> => {
    opened ??= openSignedLinks(platform.keys);
    opened.catch(() => (opened = null));
    const found = (await opened).unsubscription(token);
    if (found === null) throw new ApiError('CONTENT_NOT_FOUND', 'This link is none of ours.');
    return found;
  };

  // A scope of its own: everywhere else forms stay 415. What the body says is not looked at.
  void app.register(async (scope) => {
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: MOST_BODY_BYTES }, (_request, _body, done) => done(null, undefined));

    handlePublic(scope, platform, showUnsubscribe, async ({ params: { token }, reply }) => {
      const { rooms } = await meantBy(token);
      return page(
        reply,
        `<p>Shall ${conversations(rooms.length)} send you no more mail? You stay in the room, and can have it again at any time.</p>
<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click"><button>No more mail</button></form>`,
      );
    });

    handlePublic(scope, platform, unsubscribeByMail, async ({ params: { token }, reply, traceId }) => {
      const { userId, rooms } = await meantBy(token);
      for (const roomId of rooms) {
        const commandId = derivedId<CommandId>('unsubscribe', traceId, userId, roomId);
        orReject(
          await platform.commands.transact(notices, noticesKey(userId), { type: 'Unsubscribe', userId, roomId }, { commandId, traceId }),
        );
      }
      return page(reply, `<p>Done: you get no more mail of ${conversations(rooms.length)}.</p>`);
    });
  });
};

const conversations = (count: number): string => (count === 1 ? 'this conversation' : `these ${count} conversations`);

const page = (reply: FastifyReply, content: string): Bytes => {
  void reply.headers({
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-robots-tag': 'noindex',
  });
  return bytes(
    `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Mail notifications</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32em;margin:4em auto;padding:0 1em}button{font:inherit;padding:.4em 1em}</style>
<h1>Mail notifications</h1>
${content}
</html>
`,
    'text/html; charset=utf-8',
  );
};
