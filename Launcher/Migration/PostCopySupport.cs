using System.Runtime.InteropServices;

namespace Troupe.Launcher.Migration;

/// <summary>Whether this node lets QEMU wait for memory that is still elsewhere (userfaultfd), which a target of post-copy has to.</summary>
internal static partial class PostCopySupport
{
    // O_CLOEXEC | O_NONBLOCK
    private const int Flags = 0x80000 | 0x800;

    /// <summary>Null when it does. QEMU runs as the same user, so it is tried.</summary>
    public static string? Problem()
    {
        if (Number is not { } number)
            return $"userfaultfd is not known on {RuntimeInformation.ProcessArchitecture}";
        var descriptor = SystemCall(number, Flags);
        if (descriptor < 0)
            return $"the target's node does not allow userfaultfd to its launcher ({Marshal.GetLastPInvokeErrorMessage()}; see sysctl vm.unprivileged_userfaultfd)";
        _ = Close((int)descriptor);
        return null;
    }

    private static nint? Number => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 323,
        Architecture.Arm64 => 282,
        Architecture.S390x => 355,
        _ => null,
    };

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint flags);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
