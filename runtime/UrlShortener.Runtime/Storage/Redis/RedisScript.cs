using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace UrlShortener.Runtime.Storage.Redis;

/// <summary>
/// A Lua script with one key, sent by its digest. A server that does not know the script gets its text: after a restart, a failover, <c>SCRIPT FLUSH</c>, or
/// when the slot moved. The text is sent again with redirections; the client's own script cache handles that wrongly while a slot migrates (ASK).
/// </summary>
internal sealed class RedisScript(string name, string text)
{
    /// <summary>What the script does, for those who read traces.</summary>
    public string Name => name;

    private readonly byte[] _digest = Digest(text);

    /// <summary>Runs the script on the master that holds the key.</summary>
    public async Task<RedisResult> RunAsync(IDatabaseAsync database, RedisKey key, RedisValue[] arguments)
    {
        RedisKey[] keys = [key];
        try
        {
            return await database.ScriptEvaluateAsync(_digest, keys, arguments, CommandFlags.DemandMaster);
        }
        catch (RedisServerException error) when (error.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            return await database.ScriptEvaluateAsync(text, keys, arguments, CommandFlags.DemandMaster | CommandFlags.NoScriptCache);
        }
    }

    [SuppressMessage("Security", "CA5350", Justification = "The digest that Redis knows scripts by.")]
    private static byte[] Digest(string text) => SHA1.HashData(Encoding.UTF8.GetBytes(text));
}
