using System.Globalization;

namespace Troupe.Stress.Tests.Migration;

/// <summary>Another seed each time, unless one is given; whatever fails says which it was and how to run it again.</summary>
internal static class StressSeed
{
    private const string Variable = "TROUPE_STRESS_SEED";

    public static int Choose() => Choose(Environment.GetEnvironmentVariable(Variable));

    public static int Choose(string? given) => given is null ? Random.Shared.Next() : int.Parse(given, CultureInfo.InvariantCulture);

    /// <param name="test">Name of the test's method.</param>
    /// <exception cref="StressFailedException">Something failed; nothing else is ever thrown.</exception>
    public static async Task WithAsync(int seed, string test, Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (Exception e)
        {
            throw new StressFailedException($"seed {seed}; again with: {Variable}={seed} ./dev test {test}\n{e.Message}", e);
        }
    }
}

internal sealed class StressFailedException(string message, Exception inner) : Exception(message, inner);
