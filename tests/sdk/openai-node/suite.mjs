// The official openai package for Node, unmodified, as OpenAI and as AzureOpenAI. Run by tests/sdk/openai.sh.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import OpenAI, { AzureOpenAI, BadRequestError, NotFoundError } from 'openai';

const url = process.env.BOXWOOD_OPENAI_URL;
const apiKey = process.env.BOXWOOD_OPENAI_TOKEN;
const model = process.env.BOXWOOD_OPENAI_MODEL;

const clients = {
  OpenAI: new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 }),
  'OpenAI at /openai/v1': new OpenAI({ baseURL: `${url}/openai/v1`, apiKey, maxRetries: 0 }),
  AzureOpenAI: new AzureOpenAI({ endpoint: url, apiKey, apiVersion: '2025-04-01-preview', maxRetries: 0 }),
};

const weather = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false },
  },
};

const user = (content) => [{ role: 'user', content }];

for (const [name, client] of Object.entries(clients)) {
  describe(name, () => {
    test('a completion with its tokens', async () => {
      const answer = await client.chat.completions.create({ model, messages: user('Think!'), reasoning_effort: 'low' });
      assert.equal(answer.choices[0].message.content, 'In the east.');
      assert.equal(answer.usage.completion_tokens_details.reasoning_tokens, 64);
      assert.equal(answer.usage.prompt_tokens_details.cached_tokens, 1024);
    });

    test('a stream', async () => {
      const stream = await client.chat.completions.create({
        model, messages: user('Think!'), stream: true, stream_options: { include_usage: true },
      });
      let text = '';
      let usage;
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta?.content ?? '';
        usage = chunk.usage ?? usage;
      }
      assert.equal(text, 'In the east.');
      assert.equal(usage.total_tokens, 1580);
    });

    test('the helper that runs tools', async () => {
      const asked = [];
      const runner = client.chat.completions.runTools({
        model,
        messages: user('The weather in Oslo and in Bergen?'),
        tools: [{
          type: 'function',
          function: {
            name: 'weather',
            parameters: weather.function.parameters,
            parse: JSON.parse,
            function: ({ city }) => { asked.push(city); return '5 °C'; },
          },
        }],
      });
      assert.equal(await runner.finalContent(), 'The tool says: 5 °C');
      assert.deepEqual(asked, ['Oslo', 'Bergen']);
    });

    test('responses: made, continued, streamed, deleted', async () => {
      const first = await client.responses.create({ model, input: 'Think!', reasoning: { summary: 'auto' } });
      assert.equal(first.output_text, 'In the east.');
      const second = await client.responses.create({ model, input: 'Sure?', previous_response_id: first.id });
      assert.equal((await client.responses.retrieve(second.id)).status, 'completed');
      const types = [];
      for await (const event of await client.responses.create({ model, input: 'Think!', stream: true })) types.push(event.type);
      assert.equal(types.at(-1), 'response.completed');
      await client.responses.delete(first.id);
      await assert.rejects(client.responses.retrieve(first.id), NotFoundError);
    });

    test('embeddings', async () => {
      const answer = await client.embeddings.create({ model: 'counting', input: ['four'] });
      assert.deepEqual(answer.data[0].embedding, [0.25, -0.5, 4]);
    });

    test('what the contract refuses', async () => {
      await assert.rejects(client.chat.completions.create({ model, messages: user('x'), temperature: 0.1 }), (error) => {
        assert.ok(error instanceof BadRequestError);
        assert.equal(error.code, 'unsupported_value');
        assert.equal(error.param, 'temperature');
        return true;
      });
      await assert.rejects(client.chat.completions.create({ model: 'nonsense', messages: user('x') }), NotFoundError);
    });
  });
}
