using FsCheck.Xunit;
using UrlShortener.Operator.Pods;
using Xunit;

namespace UrlShortener.Operator.Tests.Pods;

public sealed class LastWordsTests
{
    [Theory]
    [InlineData(null, null)]
    [InlineData("  \n \n", null)]
    [InlineData(
        "The configuration has an error:\n  Keys:PoolSize must be from 1 to 1000000.\n",
        "The configuration has an error: Keys:PoolSize must be from 1 to 1000000."
    )]
    // A sentence of the program wins over lines of its log, on both sides.
    [InlineData(
        "2030-01-31T12:00:00.000Z info: UrlShortener.Runtime[1] Starting\nConnectionStrings:Postgres cannot be used: 3D000: database \"shortener\" does not exist\n2030-01-31T12:00:00.000Z info: Host[0] Stopping",
        "ConnectionStrings:Postgres cannot be used: 3D000: database \"shortener\" does not exist"
    )]
    [InlineData("info: A[1]\n      Started\nfail: A.B[2]\n      Cannot go on\n", "Cannot go on")]
    [InlineData("<6>A[1] Started\n<3>A[2] Cannot go on\n<6>A[3] Ended", "Cannot go on")]
    [InlineData("warn: A[1] A warning\ninfo: A[2] An information", "A warning")]
    [InlineData("info: A[1] First\ninfo: A[2] Last", "Last")]
    [InlineData(
        "Unhandled exception. Npgsql.PostgresException (0x80004005): 3D000: database \"x\" does not exist\n   at Npgsql.Open()\n   at Main()\n  Exception data:\n    Severity: FATAL\n    Routine: InitPostgres",
        "Unhandled exception. Npgsql.PostgresException (0x80004005): 3D000: database \"x\" does not exist"
    )]
    [InlineData(
        """
            {"EventId":1,"LogLevel":"Information","Category":"A","Message":"Started"}
            {"EventId":2,"LogLevel":"Error","Category":"A","Message":"Cannot go on","Exception":"System.Exception: it broke\n   at Main()"}
            {"EventId":3,"LogLevel":"Information","Category":"A","Message":"Ended"}
            """,
        "Cannot go on: System.Exception: it broke"
    )]
    // The beginning of the first line was cut off.
    [InlineData("LogLevel\":\"Error\"}\n{\"LogLevel\":\"Critical\",\"Message\":\"Out\"}", "Out")]
    public void Find_EndOfALog_IsTheSentenceThatSaysWhy(string? message, string? expected) => Assert.Equal(expected, LastWords.Find(message));

    [Theory]
    [InlineData("cannot use Host=pg-0;Username=shortener;Password=hunter2;Database=shortener")]
    [InlineData("cannot use \"Password=hunter2;Host=pg-0\"")]
    [InlineData("cannot use postgres://shortener:hunter2@pg-0:5432/shortener")]
    [InlineData("cannot use redis-0:6379,password=hunter2,ssl=true")]
    [InlineData("PGPASSWORD: 'hunter2'")]
    [InlineData("setting db_password = \"hunter2 hunter2\"")]
    [InlineData("""{"LogLevel":"Error","Message":"request with token: hunter2"}""")]
    [InlineData("header Authorization: Bearer hunter2hunter2")]
    [InlineData("key usk_hunter2 is unknown")]
    [InlineData("cannot use postgres://shortener:a/hunter2@pg-0:5432/shortener")]
    [InlineData("cannot use postgres://shortener:a@hunter2@pg-0:5432/shortener")]
    [InlineData("cannot use redis://:hunter2@redis-0:6379")]
    [InlineData("cannot use Host=pg-0;Username=shortener;Password=\"a;hunter2\";Database=shortener")]
    [InlineData("cannot use Host=pg-0;Username=shortener;Password='a;hunter2';Database=shortener")]
    [InlineData("cannot use Host=pg-0;Username=shortener;Password=a'hunter2;Database=shortener")]
    [InlineData("cannot use Username=shortener;Password=correct hunter2;Host=pg-0")]
    [InlineData("""request failed: {"body":"{\"user\":\"a\",\"password\":\"hunter2\"}"}""")]
    [InlineData("""{"password": "a\"hunter2"}""")]
    [InlineData("password = \"hunter2 hunter2")]
    [InlineData("password => hunter2")]
    [InlineData("\u001b[36mpassword\u001b[0m=\u001b[33mhunter2\u001b[0m")]
    [InlineData("\u001b]0;password\u0007password: hunter2")]
    [InlineData("psql --password hunter2 --host pg-0")]
    [InlineData("GET https://account.blob.example/file?sv=2026&sig=hunter2&sp=r")]
    [InlineData("AccountName=a;AccountKey=hunter2;EndpointSuffix=example")]
    [InlineData("X-API-Key: hunter2")]
    [InlineData("Cookie: session=hunter2")]
    [InlineData("Authorization: hunter2")]
    [InlineData("token eyJhunter2hunter2.eyJhunter2hunter2.hunter2 has expired")]
    [InlineData("-----BEGIN EC PRIVATE KEY----- hunter2 hunter2")]
    public void Find_Secrets_AreRedacted(string message) => Assert.DoesNotContain("hunter2", LastWords.Find(message), StringComparison.Ordinal);

    /// <summary>The kubelet keeps the end of a log. Its first word or line may be the rest of a password.</summary>
    [Theory]
    [InlineData("ssword=hunter2;Database=x\n")]
    [InlineData("ssword=hunter2 ")]
    [InlineData("ssword\":\"hunter2\",\"rest\":\"")]
    public void Find_BeginningCutOff_IsNotQuoted(string beginning)
    {
        var message = beginning.PadRight(2_048, 'x');
        Assert.DoesNotContain("hunter2", LastWords.Find(message), StringComparison.Ordinal);
    }

    /// <summary>Messages of the API server and of nodes have any length.</summary>
    [Fact]
    public void Clean_LongHostileTexts_TakeLittleTime()
    {
        string[] texts =
        [
            string.Concat(Enumerable.Repeat("Host=a;b=", 200_000)),
            string.Concat(Enumerable.Repeat("password", 200_000)),
            string.Concat(Enumerable.Repeat("a://", 400_000)),
            string.Concat(Enumerable.Repeat("Host=\"", 200_000)),
            string.Concat(Enumerable.Repeat("-----BEGIN PRIVATE KEY-----", 50_000)),
            new('\u001b', 1_000_000),
            new('-', 1_000_000),
        ];
        Assert.All(texts, text => Assert.InRange(LastWords.Clean(text).Length, 0, LastWords.MaxLength));
    }

    [Theory]
    [InlineData("28P01: password authentication failed for user \"shortener\"")]
    [InlineData("3D000: database \"shortener\" does not exist")]
    [InlineData("Postgres:MaxConnections must be from 1 to 1000.")]
    [InlineData("Kgs:Token must have at least 32 characters.")]
    [InlineData("cannot reach https://sho.rt/health: connection refused")]
    public void Find_SentencesAboutSecrets_Stay(string message) => Assert.Equal(message, LastWords.Find(message));

    [Fact]
    public void Find_ControlCharactersAndLength_AreBounded()
    {
        // A line that is nothing but a form feed is an empty one.
        Assert.Equal("a", LastWords.Find("\f\na"));
        Assert.Equal("a red b", LastWords.Find("a \u001b[31mred\u202e\u200b\u0007b"));
        Assert.Equal(LastWords.MaxLength, LastWords.Find(new string('x', 100_000))!.Length);
    }

    [Property]
    public bool Find_AnyText_IsBoundedAndOfOneLine(string? message) =>
        LastWords.Find(message) is not { } found || (found.Length <= LastWords.MaxLength && !found.Any(char.IsControl));
}
