using System.ComponentModel;
using System.Diagnostics;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>
/// Whether KVM on this machine runs ordinary guests. /dev/kvm alone does not say so: on a virtual machine without nested
/// virtualization it may stand for a KVM that runs only guests made for it, and stops all others with an internal error.
/// </summary>
internal static class KvmProbe
{
    private const string Device = "/dev/kvm";
    private const int SegmentBytes = 64 * 1024;

    /// <summary>Offset of <see cref="Program"/> in the firmware; its descriptor tables are written for this place.</summary>
    private const int ProgramAt = 0xFF00;

    /// <summary>isa-debug-exit ends QEMU with twice the written value (16) plus one.</summary>
    private const int Success = 33;

    // Generous, because a machine that starts a cluster is busy; a KVM that fails says so at once.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // At FFFF:FFF0, where the CPU starts: jmp 0xF000:0xFF00.
    private static ReadOnlySpan<byte> Reset => [0xEA, 0x00, 0xFF, 0x00, 0xF0];

    // What boot loaders do and such a KVM cannot: from real mode to protected mode without paging, an interrupt there and its return.
    //   cli; lgdt; lidt; cr0.PE = 1; jmp 8:next; ds = ss = 16; esp = 0x7000; int 0; out 0xf4, 16; hlt      handler: iret
    // followed by the GDT (null, flat code, flat data), the IDT (one gate) and the two pointers to them.
    private static ReadOnlySpan<byte> Program => Convert.FromHexString(
        "fa2e660f011658ff2e660f011e5eff0f20c00c010f22c066ea1fff0f00080066b810008ed88ed0bc00700000cd00b010e6f4f4ebfdcf6690"
        + "0000000000000000" + "ffff0000009bcf00" + "ffff00000093cf00" + "35ff0800008e0f00" + "170038ff0f00" + "070050ff0f00");

    /// <summary>False also where there is no QEMU to ask.</summary>
    public static async Task<bool> WorksAsync(CancellationToken ct)
    {
        if (!File.Exists(Device))
            return false;
        var firmware = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(firmware, Firmware(), ct).ConfigureAwait(false);
            return await RunAsync(firmware, "kvm", ct).ConfigureAwait(false);
        }
        catch (Win32Exception)
        {
            return false;
        }
        finally
        {
            File.Delete(firmware);
        }
    }

    /// <param name="accelerator"><c>kvm</c>, or <c>tcg</c> to try the program itself.</param>
    internal static async Task<bool> RunAsync(string firmware, string accelerator, CancellationToken ct)
    {
        using var qemu = Process.Start(new ProcessStartInfo("qemu-system-x86_64",
            ["-accel", accelerator, "-machine", "pc", "-nodefaults", "-display", "none", "-bios", firmware, "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-S", "-qmp", "stdio"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(Patience);
        try
        {
            await qemu.StandardInput.WriteLineAsync("""{"execute":"qmp_capabilities"}{"execute":"cont"}""".AsMemory(), deadline.Token).ConfigureAwait(false);
            await qemu.StandardInput.FlushAsync(deadline.Token).ConfigureAwait(false);
            while (await qemu.StandardOutput.ReadLineAsync(deadline.Token).ConfigureAwait(false) is { } line)
            {
                // {"timestamp": {…}, "event": "STOP"}: KVM gave up on the guest.
                if (line.Contains("\"STOP\"", StringComparison.Ordinal))
                    return false;
            }
            await qemu.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
            return qemu.ExitCode == Success;
        }
        catch (Exception e) when (e is IOException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return false;
        }
        finally
        {
            if (!qemu.HasExited)
                qemu.Kill();
        }
    }

    internal static byte[] Firmware()
    {
        var rom = new byte[SegmentBytes];
        Program.CopyTo(rom.AsSpan(ProgramAt));
        Reset.CopyTo(rom.AsSpan(0xFFF0));
        return rom;
    }
}
