import { it } from 'vitest';
import { specify } from '../testing/given.ts';
import { blobNo, emailNo, mailboxNo } from '../testing/people.ts';
import { emailReceived } from './events.ts';
import { email } from './index.ts';

const given = specify(email);
const mail = {
  emailId: emailNo(1),
  blobId: blobNo(1),
  size: 42,
  recipients: [
    { mailboxId: mailboxNo(1), envelope: { mailFrom: '', rcptTo: ['ann@tidings.test'], helo: 'mx', clientAddress: '192.0.2.1' } },
  ],
} as const;

it('a mail is received once', () => {
  given()
    .when({ type: 'ReceiveEmail', ...mail })
    .then(emailReceived(mail));
  given(emailReceived(mail))
    .when({ type: 'ReceiveEmail', ...mail })
    .thenNothing();
  given(emailReceived(mail))
    .when({ type: 'ReceiveEmail', ...mail, blobId: blobNo(2) })
    .thenRejected({ type: 'EmailIdReused' });
});
