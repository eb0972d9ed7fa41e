using Troupe.DevCluster.Nodes.Kubelet;
using Xunit;

namespace Troupe.DevCluster.Tests.Nodes;

public sealed class KvmProbeTests
{
    [Fact]
    public async Task The_program_ends_QEMU_with_the_code_that_counts_as_success_where_its_instructions_work() =>
        Assert.True(await InFile(KvmProbe.Firmware(), f => KvmProbe.RunAsync(f, "tcg", TestContext.Current.CancellationToken)));

    [Fact]
    public async Task An_accelerator_that_does_not_exist_does_not_work() =>
        Assert.False(await InFile(KvmProbe.Firmware(), f => KvmProbe.RunAsync(f, "no-such-accelerator", TestContext.Current.CancellationToken)));

    private static async Task<bool> InFile(byte[] firmware, Func<string, Task<bool>> run)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(file, firmware, TestContext.Current.CancellationToken);
            return await run(file);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
