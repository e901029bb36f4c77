/** The body of a message that answers none, as it is recorded. */
import type { MessageBody } from '@tidings/contracts/events/message';
import type { PlainMsgBody } from '@tidings/contracts/http/chat';
import type * as t from 'io-ts';

export const plainBodyOf = (body: t.TypeOf<typeof PlainMsgBody>): MessageBody => {
  if ('text' in body) return { type: 'Text', text: body.text };
  const { mediaUrl, mediaType, mimeType = null, altText = null } = body;
  return { type: 'Media', mediaUrl, mediaType, mimeType, altText };
};
