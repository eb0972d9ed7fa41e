using System.Diagnostics;

namespace Troupe.Benchmarks.ApiServers;

public interface IServerUnderTest : IAsyncDisposable
{
    HttpClient Http { get; }

    /// <summary>From the start of the processes to the first answer of /readyz.</summary>
    TimeSpan StartTime { get; }

    /// <summary>Of all its processes together.</summary>
    double RssMiB();
}

public static class Readiness
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <exception cref="TimeoutException">Not within two minutes.</exception>
    public static async Task WaitAsync(HttpClient http, Stopwatch clock)
    {
        while (true)
        {
            try
            {
                if ((await http.GetAsync("/readyz")).IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            if (clock.Elapsed > Patience)
                throw new TimeoutException("the API server did not become ready");
            await Task.Delay(5);
        }
    }
}
