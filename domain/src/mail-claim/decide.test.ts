import { it } from 'vitest';
import { specify } from '../testing/given.ts';
import { gatewayMailNo } from '../testing/people.ts';
import { gatewayMailClaimed } from './events.ts';
import { mailClaim } from './index.ts';

const given = specify(mailClaim);
const [one, other] = ['1', '2'].map((digit) => digit.repeat(64)) as [string, string];
const claim = (n: number, contentHash: string) => ({ type: 'ClaimMail', mailId: gatewayMailNo(n), contentHash }) as const;
const claimed = (n: number, contentHash: string, messageIdReused = false) =>
  gatewayMailClaimed({ mailId: gatewayMailNo(n), contentHash, messageIdReused });

it('the first arrival counts, however often it comes', () => {
  given().when(claim(1, one)).then(claimed(1, one));
  given(claimed(1, one)).when(claim(1, one)).thenNothing();
  given(claimed(1, one))
    .when(claim(2, one))
    .thenRejected({ type: 'MailClaimed', by: gatewayMailNo(1) });
});

it('the same Message-ID with other content is another mail, and says so', () => {
  given(claimed(1, one))
    .when(claim(2, other))
    .then(claimed(2, other, true));
  given(claimed(1, one), claimed(2, other, true))
    .when(claim(3, other))
    .thenRejected({ type: 'MailClaimed', by: gatewayMailNo(2) });
});
