/** What became of an outgoing email for each recipient, and what people may do about it (mail-contract §3, §7). */
import * as t from 'io-ts';
import { text } from '../codec.ts';
import { EmailId } from '../ids.ts';
import { Delivery } from './mail-objects.ts';
import { defineRoute, type Route } from './route.ts';

export const listEmailDeliveries = defineRoute({
  id: 'listEmailDeliveries',
  method: 'GET',
  path: '/api/emails/{emailId}/deliveries',
  tag: 'Mail',
  summary: 'What became of an email for each recipient, in the order in which it names them; none for one that came in.',
  params: t.readonly(t.type({ emailId: EmailId })),
  response: t.readonly(t.type({ content: t.readonlyArray(Delivery) })),
  errors: [404],
});

const recipientParams = t.readonly(t.type({ emailId: EmailId, recipient: text(1, 1000) }));

export const retryEmailDelivery = defineRoute({
  id: 'retryEmailDelivery',
  method: 'POST',
  path: '/api/emails/{emailId}/deliveries/{recipient}/retry',
  tag: 'Mail',
  summary: 'Tries again at once for a recipient whom it did not get to, or of whom nobody knows. For who may send from the mailbox.',
  params: recipientParams,
  response: Delivery,
  errors: [403, 404, 409],
});

export const cancelEmailDelivery = defineRoute({
  id: 'cancelEmailDelivery',
  method: 'POST',
  path: '/api/emails/{emailId}/deliveries/{recipient}/cancel',
  tag: 'Mail',
  summary: 'Tries no more for a recipient. For who may send from the mailbox.',
  params: recipientParams,
  response: Delivery,
  errors: [403, 404, 409],
});

export const dismissEmailDelivery = defineRoute({
  id: 'dismissEmailDelivery',
  method: 'POST',
  path: '/api/emails/{emailId}/deliveries/{recipient}/dismiss',
  tag: 'Mail',
  summary: 'Says that a failure was seen: the thread no longer points at it. For who may send from the mailbox.',
  params: recipientParams,
  response: Delivery,
  errors: [403, 404, 409],
});

export const getDeliveryReport = defineRoute({
  id: 'getDeliveryReport',
  method: 'GET',
  path: '/api/emails/{emailId}/deliveries/{recipient}/report',
  tag: 'Mail',
  summary: 'The last mail that came back about a recipient (a bounce or a complaint), byte for byte as it was received.',
  params: recipientParams,
  response: t.unknown,
  produces: 'rfc822',
  errors: [404],
});

export const deliveryRoutes: readonly Route[] = [
  getDeliveryReport,
  listEmailDeliveries,
  retryEmailDelivery,
  cancelEmailDelivery,
  dismissEmailDelivery,
];
