import { expect, it } from 'vitest'
import { signAwsRequest } from './sign-aws-request.ts'

// "post-vanilla" of the test suite that AWS publishes for Signature Version 4.
it('signs as AWS does', () => {
  const { authorization } = signAwsRequest(
    {
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
      sessionToken: null,
    },
    {
      region: 'us-east-1',
      service: 'service',
      headers: { host: 'example.amazonaws.com' },
      body: '',
      at: new Date('2015-08-30T12:36:00Z'),
    },
  )
  expect(authorization).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  )
})
