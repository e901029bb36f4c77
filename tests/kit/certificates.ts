/** Certificates of an authority of our own, for servers that tests start. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import forge from 'node-forge';

export interface Issued {
  /** In PEM; behind the server's certificate stands that of its authority. */
  readonly key: string;
  readonly cert: string;
}
export interface Authority {
  readonly cert: string;
  /** @param name the common name; `alternatives` are DNS names */
  readonly issue: (about: { readonly name?: string; readonly alternatives: readonly string[]; readonly expired?: boolean }) => Issued;
}

const DAY_MS = 86_400_000;

/** All authorities have one name, each a key of its own. */
export const openAuthority = (): Authority => {
  const own = makeKeys();
  const authority = certificateFor('Test Authority', own.publicKey, DAY_MS);
  authority.setIssuer(authority.subject.attributes);
  authority.setExtensions([{ name: 'basicConstraints', cA: true, critical: true }]);
  authority.sign(own.privateKey, forge.md.sha256.create());
  const cert = forge.pki.certificateToPem(authority);
  return {
    cert,
    issue: ({ name = 'Server', alternatives, expired = false }) => {
      const keys = makeKeys();
      const certificate = certificateFor(name, keys.publicKey, expired ? -DAY_MS : DAY_MS);
      certificate.setIssuer(authority.subject.attributes);
      const altNames = alternatives.map((value) => ({ type: DNS_NAME, value }));
      if (altNames.length > 0) certificate.setExtensions([{ name: 'subjectAltName', altNames }]);
      certificate.sign(own.privateKey, forge.md.sha256.create());
      return { key: keys.pem, cert: `${forge.pki.certificateToPem(certificate)}${cert}` };
    },
  };
};

/** RFC 5280 §4.2.1.6. */
const DNS_NAME = 2;

const certificateFor = (name: string, publicKey: forge.pki.PublicKey, endsInMs: number): forge.pki.Certificate => {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  certificate.serialNumber = `01${randomBytes(8).toString('hex')}`;
  certificate.validity = { notBefore: new Date(Date.now() - 2 * DAY_MS), notAfter: new Date(Date.now() + endsInMs) };
  certificate.setSubject([{ shortName: 'CN', value: name }]);
  return certificate;
};

/** Node makes them in milliseconds. */
const makeKeys = () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return { pem, privateKey: forge.pki.privateKeyFromPem(pem), publicKey: forge.pki.publicKeyFromPem(publicPem) };
};
