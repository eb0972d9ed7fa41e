using Troupe.ControlPlane.Migration;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Protocol.Tests.Model;

/// <summary>A QEMU with the guest in it, as the kernel sees it.</summary>
internal enum Qemu : byte
{
    None, Incoming, Loaded, Running, Paused, Dead,

    /// <summary>At a source: in post-copy, which QEMU does not let run.</summary>
    PostCopy,

    /// <summary>At a target: devices have come by post-copy, and the guest may be run before its memory is there.</summary>
    Packaged,
}

/// <summary>libvirt's migration call at the source.</summary>
internal enum Job : byte { None, Copying, Switching, Succeeded, Failed, PostCopy }

internal enum Daemon : byte { Up, Dead, Noticed }

/// <summary>Messages in flight; a set, since each may be delayed, repeated and overtaken at will.</summary>
[Flags]
internal enum Mail : uint
{
    None = 0,
    Prepare = 1, Adopt = 2, ReleaseTarget = 4, DeleteTargetPod = 8,
    Start = 16, Abort = 32, ReleaseSource = 64, DeleteSourcePod = 128,

    // One bit for each thing that an end may say about itself.
    SourceSays0 = 1 << 8,
    TargetSays0 = 1 << 14,
    SourceLost = 1 << 21, TargetLost = 1 << 22, GuestEnded = 1 << 23, Refuse = 1 << 24, HandOverState = 1 << 25, DropState = 1 << 26,
}

/// <summary>On the connection between the launchers.</summary>
[Flags]
internal enum Wire : byte
{
    None = 0, Loaded = 1, Run = 2, FinishReply = 4,

    /// <summary>What post-copy begins with: the guest's devices, from QEMU to QEMU.</summary>
    Package = 8,

    /// <summary>libvirt's last step, as the source's launcher has let it pass; asked for only where post-copy is allowed.</summary>
    FinishPaused = 16, FinishRunning = 32,

    /// <summary>What a dead source has sent may still arrive.</summary>
    ToTarget = Run | Package | FinishPaused | FinishRunning,
}

[Flags]
internal enum Noticing : byte { None = 0, Switched = 1, Loaded = 2, Gone = 4, LinkLost = 8, Reconnected = 16 }

/// <summary>The claim that is made for the guest's state at the target.</summary>
internal enum NewClaim : byte { None, Made, Guests, Gone }

/// <summary>Everything there is, small enough to be told apart by 128 bits.</summary>
internal sealed class World
{
    // The conductor's journal.
    public int Attempt = 1;
    public bool Ongoing = true;
    public MigrationStep Step;
    public bool HandedOver, PostCopy;

    // What the conductor has heard in its present life.
    public SourceStage HeardSource;
    public TargetStage HeardTarget;
    public bool HeardSourceOver, HeardSourceLost, HeardTargetLost, HeardGuestEnded, HeardSourceReleased, HeardTargetReleased;
    public TargetPodState HeardPod;
    public bool Cancel;

    // The ends.
    public bool SourceAlive = true;
    public int SourceEpoch;
    public SourceStage Source;

    /// <summary>The source launcher's last word is in its file.</summary>
    public bool Word;

    /// <summary>Everything in the source pod has ended, which is a moment after its launcher has.</summary>
    public bool SourcePodOver;
    public TargetPodState Pod;
    public TargetStage Target;
    public bool TargetHasRight;
    public int TargetEpoch;

    // Claims for the guest's state, and whether the conductor knows that one is left.
    public NewClaim NewClaim;
    public bool OldClaimGone, HeardStateSettled;

    // Hypervisors and the way between them.
    public Qemu SourceQemu = Qemu.Running, TargetQemu;
    public Job Job;
    public Daemon Daemon;
    public bool LinkUp, RpcOpen;
    public Wire Wire;
    public Noticing Noticing;

    /// <summary>The source's QEMU was told to switch to post-copy.</summary>
    public bool Told;

    /// <summary>It is doing so, and would go back on it if its connection were closed.</summary>
    public bool InSwitch;

    /// <summary>QEMU's connection was closed by the launcher that carries it, or by the death of that.</summary>
    public bool MemoryClosed;

    /// <summary>The target runs, or may run, a guest of which some memory is at the source only.</summary>
    public bool Partial;

    /// <summary>libvirt's last step has reached the source's launcher.</summary>
    public bool Finishing;

    /// <summary>The guest went on at the source after the target's copy was complete: that copy must never run.</summary>
    public bool CopyIsStale;

    /// <summary>A QEMU died by a fault, not by anybody's decision.</summary>
    public bool QemuDied;

    public Mail Mail, OldMail;
    public int Faults;

    /// <summary>In post-copy, until the target has it all, the guest lives of both ends and what is between them.</summary>
    public bool IsFragile => SourceQemu is Qemu.PostCopy && (Partial || TargetQemu is not Qemu.Running);

    public World Clone() => (World)MemberwiseClone();

    public bool IsEnded => !Ongoing;

    public UInt128 Key()
    {
        var packer = new Packer();
        packer.Add(Attempt, 2);
        packer.Add(Ongoing);
        packer.Add((int)Step, 3);
        packer.Add(HandedOver);
        packer.Add((int)HeardSource, 3);
        packer.Add((int)HeardTarget, 3);
        packer.Add(HeardSourceOver);
        packer.Add(HeardSourceLost);
        packer.Add(HeardTargetLost);
        packer.Add(HeardGuestEnded);
        packer.Add(HeardSourceReleased);
        packer.Add(HeardTargetReleased);
        packer.Add((int)HeardPod, 3);
        packer.Add(Cancel);
        packer.Add(SourceAlive);
        packer.Add(SourceEpoch, 2);
        packer.Add((int)Source, 3);
        packer.Add(Word);
        packer.Add(SourcePodOver);
        packer.Add((int)Pod, 3);
        packer.Add((int)Target, 3);
        packer.Add(TargetHasRight);
        packer.Add(TargetEpoch, 2);
        packer.Add((int)SourceQemu, 3);
        packer.Add((int)TargetQemu, 3);
        packer.Add((int)Job, 3);
        packer.Add((int)Daemon, 2);
        packer.Add(LinkUp);
        packer.Add(RpcOpen);
        packer.Add((int)Wire, 6);
        packer.Add((int)Noticing, 5);
        packer.Add(CopyIsStale);
        packer.Add(QemuDied);
        packer.Add(PostCopy);
        packer.Add(Told);
        packer.Add(InSwitch);
        packer.Add(MemoryClosed);
        packer.Add(Partial);
        packer.Add(Finishing);
        packer.Add((int)NewClaim, 2);
        packer.Add(OldClaimGone);
        packer.Add(HeardStateSettled);
        packer.Add((int)Mail, 27);
        packer.Add((int)Fold(OldMail), 8);
        packer.Add(Faults, 3);
        return packer.Value;
    }

    /// <summary>Of an earlier attempt only commands can still do anything: what its ends said is told apart by its epoch when it is heard.</summary>
    private static uint Fold(Mail mail) => (uint)mail & 0xff;

    private struct Packer
    {
        public UInt128 Value;

        public void Add(int value, int bits) => Value = (Value << bits) | (UInt128)(uint)value;

        public void Add(bool value) => Add(value ? 1 : 0, 1);
    }
}
