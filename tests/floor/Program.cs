// The least any ASP.NET redirect must pay: Kestrel's parsing, one delegate, one response. Everything else stays at the web SDK's
// defaults, garbage collector included, so that whatever the product loses against this is the product's own doing.
var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();

var app = builder.Build();
app.Run(static context =>
{
    var response = context.Response;
    response.StatusCode = StatusCodes.Status302Found;
    response.Headers.Location = "https://example.com/p/1";
    response.ContentLength = 0;
    return Task.CompletedTask;
});
app.Run();
