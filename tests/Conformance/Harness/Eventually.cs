using System.Diagnostics;

namespace Troupe.Conformance.Harness;

public static class Eventually
{
    public static async Task<bool> TrueAsync(Func<Task<bool>> condition, TimeSpan patience)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed > patience)
                return false;
            await Task.Delay(50);
        }
        return true;
    }

    /// <exception cref="TimeoutException">Not within two minutes: a real controller manager takes its time with many namespaces.</exception>
    public static async Task HoldsAsync(Func<Task<bool>> condition, string what)
    {
        if (!await TrueAsync(condition, TimeSpan.FromMinutes(2)))
            throw new TimeoutException("still not: " + what);
    }
}
