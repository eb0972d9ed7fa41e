namespace Troupe.EndToEnd.Harness;

/// <summary>Waits for a condition of the outside world, which has no event to await.</summary>
public static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <exception cref="TimeoutException">The condition did not hold in time; the message names it and the last value seen.</exception>
    public static async Task<T> Get<T>(string what, Func<Task<T>> read, Func<T, bool> holds, TimeSpan? within = null)
    {
        var deadline = DateTime.UtcNow + (within ?? TimeSpan.FromSeconds(90));
        while (true)
        {
            var value = await read();
            if (holds(value))
                return value;
            if (DateTime.UtcNow > deadline)
                throw new TimeoutException($"{what} did not come about; last seen: {value}");
            await Task.Delay(Interval);
        }
    }

    public static Task True(string what, Func<Task<bool>> holds, TimeSpan? within = null) => Get(what, holds, h => h, within);
}
