using Xunit;

namespace Troupe.Stress.Tests.Migration;

public sealed class StressSeedTests
{
    [Fact]
    public void A_given_seed_is_taken() => Assert.Equal(42, StressSeed.Choose("42"));

    [Fact]
    public async Task Whatever_fails_says_with_which_seed_and_how_to_repeat_it()
    {
        var failed = await Assert.ThrowsAsync<StressFailedException>(() => StressSeed.WithAsync(7, "No_guest_is_lost", () => throw new TimeoutException("nothing came")));

        Assert.Equal("seed 7; again with: TROUPE_STRESS_SEED=7 ./dev test No_guest_is_lost\nnothing came", failed.Message);
    }
}
